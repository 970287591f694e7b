-- psql 15: \conninfo

-- shows
-- You are connected to database "streamdb" as user "streamdb" via socket in "/tmp/pg15" at port "5715".
