-- psql 15: \da pg_catalog.count

-- query 1
SELECT n.nspname as "Schema",
  p.proname AS "Name",
  pg_catalog.format_type(p.prorettype, NULL) AS "Result data type",
  CASE WHEN p.pronargs = 0
    THEN CAST('*' AS pg_catalog.text)
    ELSE pg_catalog.pg_get_function_arguments(p.oid)
  END AS "Argument data types",
  pg_catalog.obj_description(p.oid, 'pg_proc') as "Description"
FROM pg_catalog.pg_proc p
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind = 'a'
  AND p.proname OPERATOR(pg_catalog.~) '^(count)$' COLLATE pg_catalog.default
  AND n.nspname OPERATOR(pg_catalog.~) '^(pg_catalog)$' COLLATE pg_catalog.default
ORDER BY 1, 2, 4;
-- returns
-- pg_catalog|count|bigint|"any"|number of input rows for which the input expression is not null
-- pg_catalog|count|bigint|*|number of input rows

-- shows
--                                                   List of aggregate functions
--    Schema   | Name  | Result data type | Argument data types |                           Description
-- ------------+-------+------------------+---------------------+-----------------------------------------------------------------
--  pg_catalog | count | bigint           | "any"               | number of input rows for which the input expression is not null
--  pg_catalog | count | bigint           | *                   | number of input rows
-- (2 rows)
