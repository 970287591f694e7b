-- psql 15: \do pg_catalog.||

-- query 1
SELECT n.nspname as "Schema",
  o.oprname AS "Name",
  CASE WHEN o.oprkind='l' THEN NULL ELSE pg_catalog.format_type(o.oprleft, NULL) END AS "Left arg type",
  CASE WHEN o.oprkind='r' THEN NULL ELSE pg_catalog.format_type(o.oprright, NULL) END AS "Right arg type",
  pg_catalog.format_type(o.oprresult, NULL) AS "Result type",
  coalesce(pg_catalog.obj_description(o.oid, 'pg_operator'),
           pg_catalog.obj_description(o.oprcode, 'pg_proc')) AS "Description"
FROM pg_catalog.pg_operator o
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
WHERE o.oprname OPERATOR(pg_catalog.~) E'^(\\|\\|)$' COLLATE pg_catalog.default
  AND n.nspname OPERATOR(pg_catalog.~) '^(pg_catalog)$' COLLATE pg_catalog.default
ORDER BY 1, 2, 3, 4;
-- returns
-- pg_catalog||||anycompatible|anycompatiblearray|anycompatiblearray|prepend element onto front of array
-- pg_catalog||||anycompatiblearray|anycompatible|anycompatiblearray|append element onto end of array
-- pg_catalog||||anycompatiblearray|anycompatiblearray|anycompatiblearray|concatenate
-- pg_catalog||||anynonarray|text|text|concatenate
-- pg_catalog||||bit varying|bit varying|bit varying|concatenate
-- pg_catalog||||bytea|bytea|bytea|concatenate
-- pg_catalog||||jsonb|jsonb|jsonb|concatenate
-- pg_catalog||||text|anynonarray|text|concatenate
-- pg_catalog||||text|text|text|concatenate
-- pg_catalog||||tsquery|tsquery|tsquery|OR-concatenate
-- pg_catalog||||tsvector|tsvector|tsvector|concatenate

-- shows
--                                                    List of operators
--    Schema   | Name |   Left arg type    |   Right arg type   |    Result type     |             Description
-- ------------+------+--------------------+--------------------+--------------------+-------------------------------------
--  pg_catalog | ||   | anycompatible      | anycompatiblearray | anycompatiblearray | prepend element onto front of array
--  pg_catalog | ||   | anycompatiblearray | anycompatible      | anycompatiblearray | append element onto end of array
--  pg_catalog | ||   | anycompatiblearray | anycompatiblearray | anycompatiblearray | concatenate
--  pg_catalog | ||   | anynonarray        | text               | text               | concatenate
--  pg_catalog | ||   | bit varying        | bit varying        | bit varying        | concatenate
--  pg_catalog | ||   | bytea              | bytea              | bytea              | concatenate
--  pg_catalog | ||   | jsonb              | jsonb              | jsonb              | concatenate
--  pg_catalog | ||   | text               | anynonarray        | text               | concatenate
--  pg_catalog | ||   | text               | text               | text               | concatenate
--  pg_catalog | ||   | tsquery            | tsquery            | tsquery            | OR-concatenate
--  pg_catalog | ||   | tsvector           | tsvector           | tsvector           | concatenate
-- (11 rows)
