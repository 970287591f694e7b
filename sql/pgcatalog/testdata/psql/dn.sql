-- psql 15: \dn

-- query 1
SELECT n.nspname AS "Name",
  pg_catalog.pg_get_userbyid(n.nspowner) AS "Owner"
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1;
-- returns
-- public|streamdb
-- s|streamdb

-- shows
--   List of schemas
--   Name  |  Owner
-- --------+----------
--  public | streamdb
--  s      | streamdb
-- (2 rows)
