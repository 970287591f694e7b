-- psql 15: \dew

-- query 1
SELECT fdw.fdwname AS "Name",
  pg_catalog.pg_get_userbyid(fdw.fdwowner) AS "Owner",
  fdw.fdwhandler::pg_catalog.regproc AS "Handler",
  fdw.fdwvalidator::pg_catalog.regproc AS "Validator"
FROM pg_catalog.pg_foreign_data_wrapper fdw
ORDER BY 1;
-- returns

-- shows
--    List of foreign-data wrappers
--  Name | Owner | Handler | Validator
-- ------+-------+---------+-----------
-- (0 rows)
