-- psql 15: \df pg_catalog.upper

-- query 1
SELECT n.nspname as "Schema",
  p.proname as "Name",
  pg_catalog.pg_get_function_result(p.oid) as "Result data type",
  pg_catalog.pg_get_function_arguments(p.oid) as "Argument data types",
 CASE p.prokind
  WHEN 'a' THEN 'agg'
  WHEN 'w' THEN 'window'
  WHEN 'p' THEN 'proc'
  ELSE 'func'
 END as "Type"
FROM pg_catalog.pg_proc p
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.proname OPERATOR(pg_catalog.~) '^(upper)$' COLLATE pg_catalog.default
  AND n.nspname OPERATOR(pg_catalog.~) '^(pg_catalog)$' COLLATE pg_catalog.default
ORDER BY 1, 2, 4;
-- returns
-- pg_catalog|upper|anyelement|anymultirange|func
-- pg_catalog|upper|anyelement|anyrange|func
-- pg_catalog|upper|text|text|func

-- shows
--                          List of functions
--    Schema   | Name  | Result data type | Argument data types | Type
-- ------------+-------+------------------+---------------------+------
--  pg_catalog | upper | anyelement       | anymultirange       | func
--  pg_catalog | upper | anyelement       | anyrange            | func
--  pg_catalog | upper | text             | text                | func
-- (3 rows)
