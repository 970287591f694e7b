-- psql 15: \dRs

-- query 1
SELECT subname AS "Name"
,  pg_catalog.pg_get_userbyid(subowner) AS "Owner"
,  subenabled AS "Enabled"
,  subpublications AS "Publication"
FROM pg_catalog.pg_subscription
WHERE subdbid = (SELECT oid
                 FROM pg_catalog.pg_database
                 WHERE datname = pg_catalog.current_database())ORDER BY 1;
-- returns

-- shows
--         List of subscriptions
--  Name | Owner | Enabled | Publication
-- ------+-------+---------+-------------
-- (0 rows)
