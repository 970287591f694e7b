-- psql 15: \des

-- query 1
SELECT s.srvname AS "Name",
  pg_catalog.pg_get_userbyid(s.srvowner) AS "Owner",
  f.fdwname AS "Foreign-data wrapper"
FROM pg_catalog.pg_foreign_server s
     JOIN pg_catalog.pg_foreign_data_wrapper f ON f.oid=s.srvfdw
ORDER BY 1;
-- returns

-- shows
--        List of foreign servers
--  Name | Owner | Foreign-data wrapper
-- ------+-------+----------------------
-- (0 rows)
