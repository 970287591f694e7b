-- psql 15: \dC pg_catalog.int4

-- query 1
SELECT pg_catalog.format_type(castsource, NULL) AS "Source type",
       pg_catalog.format_type(casttarget, NULL) AS "Target type",
       CASE WHEN c.castmethod = 'b' THEN '(binary coercible)'
            WHEN c.castmethod = 'i' THEN '(with inout)'
            ELSE p.proname
       END AS "Function",
       CASE WHEN c.castcontext = 'e' THEN 'no'
            WHEN c.castcontext = 'a' THEN 'in assignment'
            ELSE 'yes'
       END AS "Implicit?"
FROM pg_catalog.pg_cast c LEFT JOIN pg_catalog.pg_proc p
     ON c.castfunc = p.oid
     LEFT JOIN pg_catalog.pg_type ts
     ON c.castsource = ts.oid
     LEFT JOIN pg_catalog.pg_namespace ns
     ON ns.oid = ts.typnamespace
     LEFT JOIN pg_catalog.pg_type tt
     ON c.casttarget = tt.oid
     LEFT JOIN pg_catalog.pg_namespace nt
     ON nt.oid = tt.typnamespace
WHERE ( (true  AND (ts.typname OPERATOR(pg_catalog.~) '^(int4)$' COLLATE pg_catalog.default
        OR pg_catalog.format_type(ts.oid, NULL) OPERATOR(pg_catalog.~) '^(int4)$' COLLATE pg_catalog.default)
  AND ns.nspname OPERATOR(pg_catalog.~) '^(pg_catalog)$' COLLATE pg_catalog.default
) OR (true  AND (tt.typname OPERATOR(pg_catalog.~) '^(int4)$' COLLATE pg_catalog.default
        OR pg_catalog.format_type(tt.oid, NULL) OPERATOR(pg_catalog.~) '^(int4)$' COLLATE pg_catalog.default)
  AND nt.nspname OPERATOR(pg_catalog.~) '^(pg_catalog)$' COLLATE pg_catalog.default
) )
ORDER BY 1, 2;
-- returns 42 rows in PostgreSQL 15

-- shows
--                               List of casts
--    Source type    |   Target type    |      Function      |   Implicit?
-- ------------------+------------------+--------------------+---------------
--  "char"           | integer          | int4               | no
--  bigint           | integer          | int4               | in assignment
--  bit              | integer          | int4               | no
--  boolean          | integer          | int4               | no
--  double precision | integer          | int4               | in assignment
--  integer          | "char"           | char               | no
--  integer          | bigint           | int8               | yes
--  integer          | bit              | bit                | no
--  integer          | boolean          | bool               | no
--  integer          | double precision | float8             | yes
--  integer          | money            | money              | in assignment
--  integer          | numeric          | numeric            | yes
--  integer          | oid              | (binary coercible) | yes
--  integer          | real             | float4             | yes
--  integer          | regclass         | (binary coercible) | yes
--  integer          | regcollation     | (binary coercible) | yes
--  integer          | regconfig        | (binary coercible) | yes
--  integer          | regdictionary    | (binary coercible) | yes
--  integer          | regnamespace     | (binary coercible) | yes
--  integer          | regoper          | (binary coercible) | yes
--  integer          | regoperator      | (binary coercible) | yes
--  integer          | regproc          | (binary coercible) | yes
--  integer          | regprocedure     | (binary coercible) | yes
--  integer          | regrole          | (binary coercible) | yes
--  integer          | regtype          | (binary coercible) | yes
--  integer          | smallint         | int2               | in assignment
--  jsonb            | integer          | int4               | no
--  numeric          | integer          | int4               | in assignment
--  oid              | integer          | (binary coercible) | in assignment
--  real             | integer          | int4               | in assignment
--  regclass         | integer          | (binary coercible) | in assignment
--  regcollation     | integer          | (binary coercible) | in assignment
--  regconfig        | integer          | (binary coercible) | in assignment
--  regdictionary    | integer          | (binary coercible) | in assignment
--  regnamespace     | integer          | (binary coercible) | in assignment
--  regoper          | integer          | (binary coercible) | in assignment
--  regoperator      | integer          | (binary coercible) | in assignment
--  regproc          | integer          | (binary coercible) | in assignment
--  regprocedure     | integer          | (binary coercible) | in assignment
--  regrole          | integer          | (binary coercible) | in assignment
--  regtype          | integer          | (binary coercible) | in assignment
--  smallint         | integer          | int4               | yes
-- (42 rows)
