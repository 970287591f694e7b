-- psql 15: \dF

-- query 1
SELECT
   n.nspname as "Schema",
   c.cfgname as "Name",
   pg_catalog.obj_description(c.oid, 'pg_ts_config') as "Description"
FROM pg_catalog.pg_ts_config c
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
WHERE pg_catalog.pg_ts_config_is_visible(c.oid)
ORDER BY 1, 2;
-- returns
-- pg_catalog|arabic|configuration for arabic language
-- pg_catalog|armenian|configuration for armenian language
-- pg_catalog|basque|configuration for basque language
-- pg_catalog|catalan|configuration for catalan language
-- pg_catalog|danish|configuration for danish language
-- pg_catalog|dutch|configuration for dutch language
-- pg_catalog|english|configuration for english language
-- pg_catalog|finnish|configuration for finnish language
-- pg_catalog|french|configuration for french language
-- pg_catalog|german|configuration for german language
-- pg_catalog|greek|configuration for greek language
-- pg_catalog|hindi|configuration for hindi language
-- pg_catalog|hungarian|configuration for hungarian language
-- pg_catalog|indonesian|configuration for indonesian language
-- pg_catalog|irish|configuration for irish language
-- pg_catalog|italian|configuration for italian language
-- pg_catalog|lithuanian|configuration for lithuanian language
-- pg_catalog|nepali|configuration for nepali language
-- pg_catalog|norwegian|configuration for norwegian language
-- pg_catalog|portuguese|configuration for portuguese language
-- pg_catalog|romanian|configuration for romanian language
-- pg_catalog|russian|configuration for russian language
-- pg_catalog|serbian|configuration for serbian language
-- pg_catalog|simple|simple configuration
-- pg_catalog|spanish|configuration for spanish language
-- pg_catalog|swedish|configuration for swedish language
-- pg_catalog|tamil|configuration for tamil language
-- pg_catalog|turkish|configuration for turkish language
-- pg_catalog|yiddish|configuration for yiddish language

-- shows
--                List of text search configurations
--    Schema   |    Name    |              Description
-- ------------+------------+---------------------------------------
--  pg_catalog | arabic     | configuration for arabic language
--  pg_catalog | armenian   | configuration for armenian language
--  pg_catalog | basque     | configuration for basque language
--  pg_catalog | catalan    | configuration for catalan language
--  pg_catalog | danish     | configuration for danish language
--  pg_catalog | dutch      | configuration for dutch language
--  pg_catalog | english    | configuration for english language
--  pg_catalog | finnish    | configuration for finnish language
--  pg_catalog | french     | configuration for french language
--  pg_catalog | german     | configuration for german language
--  pg_catalog | greek      | configuration for greek language
--  pg_catalog | hindi      | configuration for hindi language
--  pg_catalog | hungarian  | configuration for hungarian language
--  pg_catalog | indonesian | configuration for indonesian language
--  pg_catalog | irish      | configuration for irish language
--  pg_catalog | italian    | configuration for italian language
--  pg_catalog | lithuanian | configuration for lithuanian language
--  pg_catalog | nepali     | configuration for nepali language
--  pg_catalog | norwegian  | configuration for norwegian language
--  pg_catalog | portuguese | configuration for portuguese language
--  pg_catalog | romanian   | configuration for romanian language
--  pg_catalog | russian    | configuration for russian language
--  pg_catalog | serbian    | configuration for serbian language
--  pg_catalog | simple     | simple configuration
--  pg_catalog | spanish    | configuration for spanish language
--  pg_catalog | swedish    | configuration for swedish language
--  pg_catalog | tamil      | configuration for tamil language
--  pg_catalog | turkish    | configuration for turkish language
--  pg_catalog | yiddish    | configuration for yiddish language
-- (29 rows)
