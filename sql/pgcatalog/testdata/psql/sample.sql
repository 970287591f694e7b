-- The objects which the recorded queries of this directory look at. Every statement
-- means the same to PostgreSQL 15 and to streamdb.
CREATE SCHEMA s;
CREATE TABLE t (
    id serial PRIMARY KEY,
    a text NOT NULL DEFAULT 'x',
    b numeric(10,2) CHECK (b > 0),
    c timestamp with time zone,
    d varchar(20) UNIQUE,
    e integer[]
);
CREATE INDEX t_a_b ON t (a, b DESC);
CREATE TABLE s.u (k bigint PRIMARY KEY, v jsonb);
CREATE VIEW v AS SELECT id, a FROM t WHERE id > 1;
CREATE MATERIALIZED VIEW mv AS SELECT a, count(*) AS n FROM t GROUP BY a;
CREATE UNIQUE INDEX mv_a ON mv (a);
CREATE SEQUENCE sq START WITH 5 INCREMENT BY 2;
COMMENT ON TABLE t IS 'a table';
COMMENT ON COLUMN t.a IS 'a column';
