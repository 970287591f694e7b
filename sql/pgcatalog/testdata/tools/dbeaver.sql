-- What dbeaver sends to learn about the database.

-- query session
SELECT current_schema(),session_user
-- returns
-- public|streamdb

-- query databases
SELECT db.oid,db.* FROM pg_catalog.pg_database db WHERE datallowconn AND NOT datistemplate AND db.datname = current_database() ORDER BY db.datname
-- returns
-- 16385|16385|streamdb|16384|6|c|f|t|-1|716|1|1663|C|C|||

-- query schemas
SELECT n.oid,n.*,d.description FROM pg_catalog.pg_namespace n LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=n.oid AND d.objsubid=0 AND d.classoid='pg_namespace'::regclass ORDER BY nspname
-- returns
-- 13207|13207|information_schema|10|{postgres=UC/postgres,=U/postgres}|
-- 11|11|pg_catalog|10|{postgres=UC/postgres,=U/postgres}|system catalog schema
-- 99|99|pg_toast|10||reserved schema for TOAST tables
-- 2200|2200|public|16384|{streamdb=UC/streamdb,=U/streamdb}|standard public schema
-- 16386|16386|s|16384||

-- query tables
SELECT c.oid,c.relname,c.relkind,d.description,pg_catalog.pg_get_expr(c.relpartbound, c.oid) as partition_expr, pg_catalog.pg_get_partkeydef(c.oid) as partition_key FROM pg_catalog.pg_class c LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid=c.oid AND d.objsubid=0 AND d.classoid='pg_class'::regclass WHERE c.relnamespace=2200 AND c.relkind not in ('i','I','c') order by 2
-- returns
-- ${public.mv}|mv|m|||
-- ${public.sq}|sq|S|||
-- ${public.src}|src|f|||
-- ${public.t}|t|r|a table||
-- ${public.t_id_seq}|t_id_seq|S|||
-- ${public.v}|v|v|||

-- query columns
SELECT c.relname,a.attname,a.attnum,pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) as def_value,dsc.description,dep.objid FROM pg_catalog.pg_attribute a INNER JOIN pg_catalog.pg_class c ON (a.attrelid=c.oid) LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid=ad.adrelid AND a.attnum = ad.adnum) LEFT OUTER JOIN pg_catalog.pg_description dsc ON (c.oid=dsc.objoid AND a.attnum = dsc.objsubid) LEFT OUTER JOIN pg_depend dep on dep.refobjid = a.attrelid AND dep.deptype = 'i' and dep.refobjsubid = a.attnum and dep.classid = dep.refclassid WHERE NOT a.attisdropped AND a.attnum > 0 AND c.oid=${public.t} ORDER BY a.attnum
-- returns
-- t|id|1|nextval('t_id_seq'::regclass)||
-- t|a|2|'x'::text|a column|
-- t|b|3|||
-- t|c|4|||
-- t|d|5|||
-- t|e|6|||

-- query settings
select name, short_desc, setting from pg_catalog.pg_settings where name = 'TimeZone'
-- returns
-- TimeZone|Sets the time zone for displaying and interpreting time stamps.|Etc/UTC

-- query types count
SELECT count(*) > 20 FROM pg_catalog.pg_type t LEFT OUTER JOIN pg_catalog.pg_class c ON c.oid=t.typrelid LEFT OUTER JOIN pg_catalog.pg_description d ON t.oid=d.objoid WHERE t.typname IS NOT NULL AND (c.relkind IS NULL OR c.relkind = 'c')
-- returns
-- t
