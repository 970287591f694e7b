-- psql 15: \db

-- query 1
SELECT spcname AS "Name",
  pg_catalog.pg_get_userbyid(spcowner) AS "Owner",
  pg_catalog.pg_tablespace_location(oid) AS "Location"
FROM pg_catalog.pg_tablespace
ORDER BY 1;
-- returns
-- pg_default|postgres|
-- pg_global|postgres|

-- shows
--        List of tablespaces
--     Name    |  Owner   | Location
-- ------------+----------+----------
--  pg_default | postgres |
--  pg_global  | postgres |
-- (2 rows)
