-- psql 15: \sv v

-- query 1
SELECT 'v'::pg_catalog.regclass::pg_catalog.oid
-- returns
-- ${public.v}

-- query 2
SELECT nspname, relname, relkind, pg_catalog.pg_get_viewdef(c.oid, true), pg_catalog.array_remove(pg_catalog.array_remove(c.reloptions,'check_option=local'),'check_option=cascaded') AS reloptions, CASE WHEN 'check_option=local' = ANY (c.reloptions) THEN 'LOCAL'::text WHEN 'check_option=cascaded' = ANY (c.reloptions) THEN 'CASCADED'::text ELSE NULL END AS checkoption FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON c.relnamespace = n.oid WHERE c.oid = ${public.v}
-- returns
-- public|v|v| SELECT t.id,
--     t.a
--    FROM t
--   WHERE t.id > 1;||

-- shows
-- CREATE OR REPLACE VIEW public.v AS
--  SELECT t.id,
--     t.a
--    FROM t
--   WHERE t.id > 1
