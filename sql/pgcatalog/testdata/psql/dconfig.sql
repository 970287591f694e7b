-- psql 15: \dconfig server_version

-- query 1
SELECT s.name AS "Parameter", pg_catalog.current_setting(s.name) AS "Value"
FROM pg_catalog.pg_settings s
WHERE pg_catalog.lower(s.name) OPERATOR(pg_catalog.~) '^(server_version)$' COLLATE pg_catalog.default
ORDER BY 1;
-- returns
-- server_version|15.18 (Debian 15.18-0+deb12u1)

-- shows
--         List of configuration parameters
--    Parameter    |             Value
-- ----------------+--------------------------------
--  server_version | 15.18 (Debian 15.18-0+deb12u1)
-- (1 row)
