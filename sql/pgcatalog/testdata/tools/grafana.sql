-- What grafana sends to learn about the database.

-- query version
SELECT current_setting('server_version_num')::int/100
-- returns
-- 1500

-- query timescale
SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'
-- returns
-- 0

-- query tables
select quote_ident(table_name) as "table" from information_schema.tables where quote_ident(table_schema) not in ('information_schema','pg_catalog','_timescaledb_cache') and quote_ident(table_schema) = 'public' and table_type = 'BASE TABLE' order by 1
-- returns
-- t

-- query columns
select quote_ident(column_name) as "column", data_type as "type" from information_schema.columns where quote_ident(table_schema) = 'public' and table_name = 't' order by ordinal_position
-- returns
-- id|integer
-- a|text
-- b|numeric
-- c|timestamp with time zone
-- d|character varying
-- e|ARRAY

-- query time column
SELECT quote_ident(column_name) FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false)) AND table_name = 't' AND data_type IN ('timestamp without time zone', 'timestamp with time zone', 'bigint', 'integer', 'double precision', 'real') ORDER BY ordinal_position
-- returns
-- id
-- c
