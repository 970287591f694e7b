-- psql 15: \dA

-- query 1
SELECT amname AS "Name",
  CASE amtype WHEN 'i' THEN 'Index' WHEN 't' THEN 'Table' END AS "Type"
FROM pg_catalog.pg_am
ORDER BY 1;
-- returns
-- brin|Index
-- btree|Index
-- gin|Index
-- gist|Index
-- hash|Index
-- heap|Table
-- spgist|Index

-- shows
-- List of access methods
--   Name  | Type
-- --------+-------
--  brin   | Index
--  btree  | Index
--  gin    | Index
--  gist   | Index
--  hash   | Index
--  heap   | Table
--  spgist | Index
-- (7 rows)
