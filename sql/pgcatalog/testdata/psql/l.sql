-- psql 15: \l

-- query 1
SELECT d.datname as "Name",
       pg_catalog.pg_get_userbyid(d.datdba) as "Owner",
       pg_catalog.pg_encoding_to_char(d.encoding) as "Encoding",
       d.datcollate as "Collate",
       d.datctype as "Ctype",
       d.daticulocale as "ICU Locale",
       CASE d.datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END AS "Locale Provider",
       pg_catalog.array_to_string(d.datacl, E'\n') AS "Access privileges"
FROM pg_catalog.pg_database d
ORDER BY 1;
-- returns
-- postgres|postgres|UTF8|C|C||libc|
-- streamdb|streamdb|UTF8|C|C||libc|
-- template0|postgres|UTF8|C|C||libc|=c/postgres
-- postgres=CTc/postgres
-- template1|postgres|UTF8|C|C||libc|=c/postgres
-- postgres=CTc/postgres

-- shows
--                                             List of databases
--    Name    |  Owner   | Encoding | Collate | Ctype | ICU Locale | Locale Provider |   Access privileges
-- -----------+----------+----------+---------+-------+------------+-----------------+-----------------------
--  postgres  | postgres | UTF8     | C       | C     |            | libc            |
--  streamdb  | streamdb | UTF8     | C       | C     |            | libc            |
--  template0 | postgres | UTF8     | C       | C     |            | libc            | =c/postgres          +
--            |          |          |         |       |            |                 | postgres=CTc/postgres
--  template1 | postgres | UTF8     | C       | C     |            | libc            | =c/postgres          +
--            |          |          |         |       |            |                 | postgres=CTc/postgres
-- (4 rows)
