-- What sqlalchemy sends to learn about the database.

-- query server version
select pg_catalog.version()
-- returns
-- PostgreSQL 15.18 (Debian 15.18-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14+deb12u1) 12.2.0, 64-bit

-- query default schema
select current_schema()
-- returns
-- public

-- query isolation
show transaction isolation level
-- returns
-- read committed

-- query standard strings
show standard_conforming_strings
-- returns
-- on

-- query has_table
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relname = 't' AND pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog'
-- returns
-- t

-- query get_table_names
SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p']) AND pg_catalog.pg_class.relpersistence != 't' AND pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND pg_catalog.pg_namespace.nspname != 'pg_catalog'
-- returns
-- t

-- query get_columns
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef) AS DEFAULT, a.attnotnull, a.attrelid as table_oid, pgd.description as comment, a.attgenerated as generated, (SELECT json_build_object('always', a.attidentity = 'a', 'start', s.seqstart, 'increment', s.seqincrement, 'minvalue', s.seqmin, 'maxvalue', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle) FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c on s.seqrelid = c."oid" WHERE c.relkind = 'S' AND a.attidentity != '' AND s.seqrelid = pg_catalog.pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)::regclass::oid) as identity_options FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_description pgd ON ( pgd.objoid = a.attrelid AND pgd.objsubid = a.attnum) WHERE a.attrelid = ${public.t} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
-- returns
-- id|integer|nextval('t_id_seq'::regclass)|t|${public.t}|||
-- a|text|'x'::text|t|${public.t}|a column||
-- b|numeric(10,2)||f|${public.t}|||
-- c|timestamp with time zone||f|${public.t}|||
-- d|character varying(20)||f|${public.t}|||
-- e|integer[]||f|${public.t}|||

-- query get_pk
SELECT a.attname FROM pg_attribute a JOIN ( SELECT unnest(ix.indkey) attnum, generate_subscripts(ix.indkey, 1) ord FROM pg_index ix WHERE ix.indrelid = ${public.t} AND ix.indisprimary ) k ON a.attnum=k.attnum WHERE a.attrelid = ${public.t} ORDER BY k.ord
-- returns
-- id

-- query get_pk name
SELECT conname FROM pg_catalog.pg_constraint r WHERE r.conrelid = ${public.t} AND r.contype = 'p' ORDER BY 1
-- returns
-- t_pkey

-- query get_foreign_keys
SELECT r.conname, pg_catalog.pg_get_constraintdef(r.oid, true) as condef, n.nspname as conschema FROM pg_catalog.pg_constraint r, pg_namespace n, pg_class c WHERE r.conrelid = ${public.t} AND r.contype = 'f' AND c.oid = confrelid AND n.oid = c.relnamespace ORDER BY 1
-- returns

-- query get_indexes
SELECT i.relname as relname, ix.indisunique, ix.indexprs, a.attname, a.attnum, c.conrelid, ix.indkey::varchar, ix.indoption::varchar, i.reloptions, am.amname, pg_get_expr(ix.indpred, ix.indrelid), ix.indnkeyatts as indnkeyatts FROM pg_class t join pg_index ix on t.oid = ix.indrelid join pg_class i on i.oid = ix.indexrelid left outer join pg_attribute a on t.oid = a.attrelid and a.attnum = ANY(ix.indkey) left outer join pg_constraint c on (ix.indrelid = c.conrelid and ix.indexrelid = c.conindid and c.contype in ('p', 'u', 'x')) left outer join pg_am am on i.relam = am.oid WHERE t.relkind IN ('r', 'v', 'f', 'm', 'p') and t.oid = ${public.t} and ix.indisprimary = 'f' ORDER BY t.relname, i.relname
-- returns
-- t_a_b|f||a|2||2 3|0 3||btree||2
-- t_a_b|f||b|3||2 3|0 3||btree||2
-- t_d_key|t||d|5|${public.t}|5|0||btree||1

-- query hstore
SELECT t.typname, t.oid, t.typarray FROM pg_type t LEFT JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typname = 'hstore'
-- returns
