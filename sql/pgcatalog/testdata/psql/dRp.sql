-- psql 15: \dRp

-- query 1
SELECT pubname AS "Name",
  pg_catalog.pg_get_userbyid(pubowner) AS "Owner",
  puballtables AS "All tables",
  pubinsert AS "Inserts",
  pubupdate AS "Updates",
  pubdelete AS "Deletes",
  pubtruncate AS "Truncates",
  pubviaroot AS "Via root"
FROM pg_catalog.pg_publication
ORDER BY 1;
-- returns

-- shows
--                               List of publications
--  Name | Owner | All tables | Inserts | Updates | Deletes | Truncates | Via root
-- ------+-------+------------+---------+---------+---------+-----------+----------
-- (0 rows)
