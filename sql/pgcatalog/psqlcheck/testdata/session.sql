CREATE TABLE k (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int DEFAULT 5 CHECK (a > 1),
  b text UNIQUE, c numeric(8,2) NOT NULL DEFAULT 0.5, at timestamptz DEFAULT now());
CREATE INDEX k_a_b ON k (a, b);
CREATE TABLE log (x int, at timestamp, WATERMARK FOR at AS at - interval '5 seconds') APPEND ONLY;
CREATE SOURCE src (a int, b text) WITH (connector = 'file', path = '/nonexistent/x.json', follow = true) FORMAT PLAIN ENCODE JSON;
CREATE MATERIALIZED VIEW w AS SELECT window_start, count(*) AS n FROM TUMBLE(log, at, INTERVAL '10 seconds') GROUP BY 1;
CREATE SINK sk FROM mv WITH (connector = 'blackhole');
\d
\d k
\d+ k
\d log
\d t
\d+ t
\d s.u
\d v
\d+ v
\d mv
\d+ mv
\d w
\d src
\d+ src
\d sk
\d k_a_b
\d t_pkey
\d sq
\d t_id_seq
\d nothing
\dt
\dt s.*
\dv
\dm
\di
\ds
\dE
\dn
\du
\df upper
\l
\conninfo
\dp
\dx
\dT
\sv v
SELECT state, query FROM pg_stat_activity;
SELECT pg_cancel_backend(0);
\gdesc
SELECT 1 AS a, 'x'::text AS b \gdesc
SELECT g FROM generate_series(1, 3) g \g
\x
SELECT * FROM k;
\x
INSERT INTO k (a, b) VALUES (2, 'p'), (3, 'q') RETURNING id, a;
INSERT INTO k (a, at) VALUES (0, '2024-01-01 00:00:00+00');
INSERT INTO k (b) VALUES ('p');
SELECT nothing FROM k;
\copy k (a, b) FROM STDIN CSV
7,seven
8,eight
\.
\copy (SELECT id, a, b FROM k ORDER BY id) TO STDOUT CSV HEADER
\set FETCH_COUNT 2
SELECT id FROM k ORDER BY id;
\set AUTOCOMMIT off
DELETE FROM k;
ROLLBACK;
SELECT count(*) FROM k;
COMMIT;
