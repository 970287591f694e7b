-- psql 15: \dn+

-- query 1
SELECT n.nspname AS "Name",
  pg_catalog.pg_get_userbyid(n.nspowner) AS "Owner",
  pg_catalog.array_to_string(n.nspacl, E'\n') AS "Access privileges",
  pg_catalog.obj_description(n.oid, 'pg_namespace') AS "Description"
FROM pg_catalog.pg_namespace n
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
ORDER BY 1;
-- returns
-- public|streamdb|streamdb=UC/streamdb
-- =U/streamdb|standard public schema
-- s|streamdb||

-- shows
--                           List of schemas
--   Name  |  Owner   |  Access privileges   |      Description
-- --------+----------+----------------------+------------------------
--  public | streamdb | streamdb=UC/streamdb+| standard public schema
--         |          | =U/streamdb          |
--  s      | streamdb |                      |
-- (2 rows)
