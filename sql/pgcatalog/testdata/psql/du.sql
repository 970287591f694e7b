-- psql 15: \du

-- query 1
SELECT r.rolname, r.rolsuper, r.rolinherit,
  r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
  r.rolconnlimit, r.rolvaliduntil,
  ARRAY(SELECT b.rolname
        FROM pg_catalog.pg_auth_members m
        JOIN pg_catalog.pg_roles b ON (m.roleid = b.oid)
        WHERE m.member = r.oid) as memberof
, r.rolreplication
, r.rolbypassrls
FROM pg_catalog.pg_roles r
WHERE r.rolname !~ '^pg_'
ORDER BY 1;
-- returns
-- postgres|t|t|t|t|t|-1||{}|t|t
-- streamdb|t|t|f|f|t|-1||{}|f|f

-- shows
--                                    List of roles
--  Role name |                         Attributes                         | Member of
-- -----------+------------------------------------------------------------+-----------
--  postgres  | Superuser, Create role, Create DB, Replication, Bypass RLS | {}
--  streamdb  | Superuser                                                  | {}
