-- The queries of the differential test, over the tables of generate.go. A query ends with a semicolon at the end of a
-- line. Each is a materialized view on our side, so its columns have names of their own, and its rows depend on the
-- multisets of the tables alone: LIMIT comes with a total order, aggregates of lists with ORDER BY.

-- filters and projections
SELECT * FROM cust;
SELECT * FROM ord;
SELECT * FROM item;
SELECT * FROM pair;
SELECT * FROM doc;
SELECT id, name FROM cust WHERE vip;
SELECT id, name FROM cust WHERE NOT vip OR vip IS NULL;
SELECT id FROM cust WHERE city = 'Oslo' AND credit > 0;
SELECT id, credit * 2 AS twice, credit + id AS plus, -credit AS neg FROM cust WHERE credit IS NOT NULL;
SELECT id, qty / 2 AS half, qty % 3 AS rest, qty * qty AS sq, qty - 7 AS less FROM ord;
SELECT id, total / 3 AS third, round(total, 1) AS rounded, trunc(total) AS whole, abs(total) AS a, sign(total) AS s FROM ord;
SELECT id, score * 2 AS d, score + total AS mixed, floor(score) AS f, ceil(score) AS c, score::int AS i FROM ord;
SELECT id, total BETWEEN 0 AND 50 AS in_range, qty IN (1, 2, NULL) AS listed, status IS DISTINCT FROM 'open' AS not_open FROM ord;
SELECT id FROM ord WHERE status IN ('open', 'paid') AND qty NOT IN (1, 2);
SELECT id FROM ord WHERE (status, qty) IN (('open', 1), ('paid', 3), ('sent', NULL));
SELECT id FROM ord WHERE qty = ANY (ARRAY[1, 3, 5]) AND total <> ALL ('{1.00,2.00}'::numeric[]);
SELECT id, coalesce(name, city, 'none') AS label, nullif(city, 'Oslo') AS n, greatest(credit, id) AS g, least(credit, 10) AS l FROM cust;
SELECT id, CASE WHEN credit > 100 THEN 'rich' WHEN credit > 0 THEN 'fine' WHEN credit IS NULL THEN '?' ELSE 'poor' END AS class FROM cust;
SELECT id, CASE status WHEN 'open' THEN 1 WHEN 'paid' THEN 2 ELSE 0 END AS code FROM ord;
SELECT id, CASE WHEN qty <> 0 THEN 100 / qty END AS share FROM ord;
SELECT id FROM ord WHERE CASE WHEN qty IS NULL THEN total > 0 ELSE qty > 2 END;

-- strings
SELECT id, upper(name) AS u, lower(name) AS l, length(name) AS n, reverse(name) AS r, initcap(name) AS i FROM cust;
SELECT id, name || '/' || city AS both_, concat(name, '-', city) AS c, concat_ws(',', name, city, id) AS w FROM cust;
SELECT id, substring(name from 2) AS s, left(name, 2) AS l, right(name, 1) AS r, position('n' in name) AS p FROM cust;
SELECT id, replace(name, 'n', 'NN') AS r, translate(name, 'abc', 'xy') AS t, lpad(name, 5, '*') AS l, repeat(name, 2) AS d, split_part(name, '%', 1) AS sp FROM cust;
SELECT id FROM cust WHERE name LIKE '%n%';
SELECT id FROM cust WHERE name ILIKE 'b_b';
SELECT id FROM cust WHERE name NOT LIKE 'a%' OR city LIKE '_s%';
SELECT id FROM cust WHERE name LIKE 'a\%b' OR name LIKE 'x\_y';
SELECT id FROM cust WHERE name ~ '^[a-z]+$';
SELECT id, name ~* 'B' AS m, regexp_replace(name, '[aeiou]', '#', 'g') AS r FROM cust;
SELECT ord, note, note = 'n2' AS eq, length(note) AS n, trim(note) AS t FROM item;
SELECT id, code, code || '|' AS c, length(code) AS l, code = 'ab' AS eq FROM doc;
SELECT id, md5(name) AS m, ascii(name) AS a, starts_with(name, 'a') AS s FROM cust;

-- dates and times
SELECT id, day + 1 AS next, day - 30 AS prev, day - date '2024-01-01' AS since FROM ord;
SELECT id, extract(year FROM day) AS y, extract(month FROM day) AS m, extract(dow FROM day) AS dow, extract(epoch FROM at) AS e FROM ord;
SELECT id, date_trunc('hour', at) AS h, date_trunc('day', at) AS d, date_trunc('month', day) AS m FROM ord;
SELECT id, at + interval '90 minutes' AS later, at - interval '1 day' AS earlier, at - timestamp '2024-01-01' AS since FROM ord;
SELECT id, at::date AS d, at::time AS t, day::timestamp AS ts FROM ord;
SELECT id, to_char(at, 'YYYY-MM-DD HH24:MI') AS s, to_char(day, 'Dy DD Mon') AS d FROM ord;
SELECT id FROM ord WHERE day >= '2024-02-01' AND day < date '2024-02-01' + interval '1 month';
SELECT id FROM ord WHERE at BETWEEN '2024-01-02' AND '2024-01-03 12:00';
SELECT date_bin('6 hours', at, timestamp '2024-01-01') AS bin, count(*) AS n FROM ord GROUP BY 1;
SELECT id, gap, gap * 2 AS twice, gap + interval '1 hour' AS more, extract(epoch FROM gap) AS e, justify_hours(gap) AS j FROM doc;
SELECT id, at, at + interval '1 day' AS next, at AT TIME ZONE 'Europe/Berlin' AS berlin, date_trunc('day', at) AS d FROM doc;
SELECT a.id, b.id AS other FROM ord a JOIN ord b ON b.at > a.at AND b.at <= a.at + interval '2 hours';

-- casts, arrays, json
SELECT id, id::text AS t, total::int AS i, total::float8 AS f, score::numeric AS n, qty::smallint AS s, day::text AS d, vip_ FROM (SELECT *, (qty > 2)::int AS vip_ FROM ord) s;
SELECT id, tags, cardinality(tags) AS n, tags[1] AS first, tags || 'new'::text AS more, array_to_string(tags, '-', '?') AS s FROM doc;
SELECT id, 'x' = ANY (tags) AS has_x, tags @> '{y}' AS has_y, nums && '{1,7}' AS overlap, array_length(nums, 1) AS len FROM doc;
SELECT d.id, t.tag FROM doc d, unnest(d.tags) AS t(tag);
SELECT d.id, n FROM doc d LEFT JOIN LATERAL unnest(d.nums) AS n ON true;
SELECT tag, count(*) AS n FROM doc, unnest(tags) AS tag GROUP BY tag;
SELECT d.id, sum(n) AS s FROM doc d, unnest(d.nums) n GROUP BY d.id;
SELECT id, body -> 'k' AS k, body ->> 'k' AS kt, body -> 'l' -> 0 AS l0, body #>> '{o,p}' AS op, jsonb_typeof(body) AS t FROM doc;
SELECT body ->> 'k' AS k, count(*) AS n FROM doc GROUP BY body ->> 'k';
SELECT id FROM doc WHERE body @> '{"k": "x"}';
SELECT id FROM doc WHERE body ? 'l' AND NOT body ? 'o';
SELECT body, count(*) AS n FROM doc GROUP BY body;
SELECT nums, count(*) AS n FROM doc GROUP BY nums;
SELECT uid, count(*) AS n, min(id) AS lo FROM doc GROUP BY uid;
SELECT id, raw, length(raw) AS n, encode(raw, 'hex') AS h FROM doc;
SELECT id, jsonb_build_object('id', id, 'code', code) AS o, to_jsonb(nums) AS j FROM doc;
SELECT a.id, b.id AS other FROM doc a JOIN doc b ON a.uid = b.uid AND a.id < b.id;
SELECT a.id, b.id AS other FROM doc a JOIN doc b ON a.code = b.code AND a.raw = b.raw;

-- aggregates
SELECT count(*) AS n, count(total) AS t, sum(total) AS s, avg(total) AS a, min(total) AS lo, max(total) AS hi FROM ord;
SELECT count(*) AS n, sum(qty) AS s, avg(qty) AS a, min(qty) AS lo, max(qty) AS hi FROM ord WHERE status = 'paid';
SELECT sum(score) AS s, avg(score) AS a, min(score) AS lo, max(score) AS hi, count(score) AS n FROM ord;
SELECT sum(r) AS s, min(r) AS lo, max(r) AS hi FROM doc;
SELECT count(*) AS n, sum(total) AS s FROM ord WHERE false;
SELECT status, count(*) AS n, sum(total) AS s, avg(total) AS a, min(day) AS lo, max(at) AS hi FROM ord GROUP BY status;
SELECT cust, count(*) AS n, sum(total) AS s FROM ord GROUP BY cust;
SELECT cust, status, count(*) AS n, sum(qty) AS q FROM ord GROUP BY cust, status;
SELECT city, count(DISTINCT name) AS names, count(name) AS n, sum(DISTINCT credit) AS s FROM cust GROUP BY city;
SELECT status, count(DISTINCT cust) AS c, count(DISTINCT day) AS d, sum(DISTINCT qty) AS q, sum(qty) AS all_q FROM ord GROUP BY status;
SELECT count(DISTINCT cust) AS c, count(DISTINCT status) AS s, avg(DISTINCT qty) AS q FROM ord;
SELECT status, count(*) FILTER (WHERE qty > 3) AS big, sum(total) FILTER (WHERE qty <= 3) AS small, max(total) FILTER (WHERE cust < 10) AS m FROM ord GROUP BY status;
SELECT count(*) FILTER (WHERE vip) AS v, count(*) FILTER (WHERE NOT vip) AS nv, sum(credit) FILTER (WHERE city = 'Oslo') AS oslo FROM cust;
SELECT city, count(DISTINCT name) FILTER (WHERE credit > 0) AS n FROM cust GROUP BY city;
SELECT sku, min(price) AS lo, max(price) AS hi, max(price) - min(price) AS spread, sum(qty * price) AS value FROM item GROUP BY sku;
SELECT sku, ord % 5 AS bucket, count(*) AS n FROM item GROUP BY sku, ord % 5;
SELECT upper(sku) AS u, count(*) AS n FROM item GROUP BY upper(sku);
SELECT date_trunc('day', at) AS d, count(*) AS n, sum(total) AS s FROM ord GROUP BY date_trunc('day', at);
SELECT extract(month FROM day) AS m, status, count(*) AS n FROM ord GROUP BY 1, 2;
SELECT bool_and(vip) AS a, bool_or(vip) AS o, every(credit > 0) AS e FROM cust;
SELECT city, bool_or(vip) AS o, bool_and(credit > 0) AS a FROM cust GROUP BY city;
SELECT a, min(b) AS lo, max(b) AS hi, sum(c) AS s, avg(c) AS v, count(*) AS n FROM pair GROUP BY a;
SELECT a, b, count(*) AS n FROM pair GROUP BY a, b;
SELECT count(*) AS groups FROM (SELECT a FROM pair GROUP BY a) s;
SELECT city, string_agg(name, ',' ORDER BY name, id) AS names, array_agg(id ORDER BY id) AS ids FROM cust GROUP BY city;
SELECT cust, array_agg(DISTINCT status ORDER BY status) AS st FROM ord GROUP BY cust;
SELECT status, round(stddev(score)::numeric, 4) AS sd, round(variance(qty), 4) AS v, round(var_pop(total), 4) AS vp FROM ord GROUP BY status;
SELECT status, round(covar_pop(score, qty)::numeric, 3) AS cp, regr_count(score, qty) AS n, round(regr_slope(score, qty)::numeric, 4) AS b FROM ord GROUP BY status;
SELECT max(name) AS hi, min(name) AS lo, max(joined) AS j, min(city) AS c FROM cust;
SELECT min(tags) AS lo, max(at) AS hi, min(gap) AS g, max(code) AS c FROM doc;
SELECT CASE WHEN total > 50 THEN 'high' ELSE 'low' END AS band, count(*) AS n FROM ord GROUP BY CASE WHEN total > 50 THEN 'high' ELSE 'low' END;
SELECT sum(total) / nullif(count(*), 0) AS mean, sum(qty)::numeric / nullif(count(qty), 0) AS q, max(total) > 100 AS big FROM ord;
SELECT bit_and(c) AS a, bit_or(c) AS o FROM pair;

-- having
SELECT cust, count(*) AS n FROM ord GROUP BY cust HAVING count(*) > 2;
SELECT cust, sum(total) AS s FROM ord WHERE status <> 'sent' GROUP BY cust HAVING sum(total) > 50 AND cust IS NOT NULL;
SELECT status FROM ord GROUP BY status HAVING max(qty) > 5;
SELECT a FROM pair GROUP BY a HAVING count(DISTINCT b) > 1;
SELECT sku, avg(qty) AS a FROM item GROUP BY sku HAVING avg(qty) > 1;
SELECT count(*) AS n FROM cust HAVING count(*) > 10;
SELECT city, sum(credit) AS s FROM cust GROUP BY city HAVING sum(credit) > (SELECT avg(credit) FROM cust);

-- distinct
SELECT DISTINCT city FROM cust;
SELECT DISTINCT cust, status FROM ord;
SELECT DISTINCT a FROM pair;
SELECT DISTINCT a, b, c FROM pair;
SELECT DISTINCT lower(sku) AS s, qty > 2 AS big FROM item;
SELECT DISTINCT ON (cust) cust, id, total FROM ord ORDER BY cust, total DESC NULLS LAST, id;
SELECT DISTINCT ON (city) city, name, id FROM cust ORDER BY city, credit NULLS FIRST, id;
SELECT count(*) AS n FROM (SELECT DISTINCT sku, qty FROM item) s;

-- inner joins
SELECT o.id, c.name FROM ord o JOIN cust c ON o.cust = c.id;
SELECT o.id, c.name, i.sku, i.qty FROM ord o JOIN cust c ON o.cust = c.id JOIN item i ON i.ord = o.id;
SELECT c.city, i.sku, sum(i.qty) AS q FROM cust c, ord o, item i WHERE c.id = o.cust AND i.ord = o.id GROUP BY c.city, i.sku;
SELECT o.id, c.id AS cid FROM ord o JOIN cust c ON o.cust = c.id AND o.total > c.credit;
SELECT a.id, b.id AS other FROM cust a JOIN cust b ON a.city = b.city AND a.id < b.id;
SELECT x.a, y.b FROM pair x JOIN pair y ON x.b = y.a;
SELECT x.a, y.b, z.c FROM pair x JOIN pair y ON x.b = y.a JOIN pair z ON y.b = z.a WHERE x.c = 1 AND z.c = 2;
SELECT x.a, y.a AS ya FROM pair x JOIN pair y ON x.a = y.a AND x.b < y.b;
SELECT x.id, y.id AS other FROM cust x JOIN cust y ON x.credit < y.credit AND x.id % 10 = 1 AND y.id % 10 = 2;
SELECT a, b, c, ord, sku FROM pair JOIN item ON pair.a = item.qty WHERE ord < 20;
SELECT c.id, p.a FROM cust c JOIN pair p ON c.id IS NOT DISTINCT FROM p.a;
SELECT x.a, y.a AS ya FROM (SELECT DISTINCT a FROM pair) x JOIN (SELECT DISTINCT a FROM pair) y ON x.a IS NOT DISTINCT FROM y.a;
SELECT o.id, c.id AS cid FROM ord o JOIN cust c ON o.cust = c.id OR o.qty = c.id;
SELECT c.id, d.code FROM cust c JOIN doc d USING (id);
SELECT id, name, code FROM cust NATURAL JOIN (SELECT id, code FROM doc) d;
SELECT c.id, o.status FROM cust c CROSS JOIN (SELECT DISTINCT status FROM ord) o WHERE c.id < 10;
SELECT o.id, upper(c.name) AS n FROM ord o JOIN cust c ON o.cust + 1 = c.id - 1 WHERE c.vip;
SELECT o.status, i.sku, count(*) AS n, sum(i.price * i.qty) AS value FROM ord o JOIN item i ON i.ord = o.id WHERE o.total > 0 GROUP BY o.status, i.sku HAVING count(*) > 1;

-- outer joins
SELECT c.id, o.id AS oid FROM cust c LEFT JOIN ord o ON o.cust = c.id;
SELECT c.id, o.id AS oid FROM cust c RIGHT JOIN ord o ON o.cust = c.id;
SELECT c.id, o.id AS oid FROM cust c FULL JOIN ord o ON o.cust = c.id;
SELECT c.id, o.id AS oid, i.sku FROM cust c LEFT JOIN ord o ON o.cust = c.id LEFT JOIN item i ON i.ord = o.id;
SELECT c.id, o.id AS oid, i.sku FROM cust c LEFT JOIN (ord o JOIN item i ON i.ord = o.id) ON o.cust = c.id;
SELECT c.id, o.id AS oid FROM cust c LEFT JOIN ord o ON o.cust = c.id AND o.total > 20;
SELECT c.id, o.id AS oid FROM cust c LEFT JOIN ord o ON o.cust = c.id AND c.vip;
SELECT c.id FROM cust c LEFT JOIN ord o ON o.cust = c.id WHERE o.id IS NULL;
SELECT c.id, o.id AS oid FROM cust c LEFT JOIN ord o ON o.cust = c.id WHERE o.total > 20 OR o.id IS NULL;
SELECT x.a, y.b FROM pair x LEFT JOIN pair y ON x.b = y.a AND x.c < y.c;
SELECT x.a, y.b FROM pair x FULL JOIN pair y ON x.a = y.b AND x.c = 1;
SELECT x.a, y.b FROM (SELECT a, c FROM pair WHERE a > 2) x FULL JOIN (SELECT b, c FROM pair WHERE b < 4) y ON x.a = y.b WHERE x.c IS NULL OR y.c > 0;
SELECT c.id, count(o.id) AS n, sum(o.total) AS s FROM cust c LEFT JOIN ord o ON o.cust = c.id GROUP BY c.id;
SELECT c.city, count(*) AS n, count(o.id) AS m FROM cust c LEFT JOIN ord o ON o.cust = c.id AND o.status = 'open' GROUP BY c.city;
SELECT c.id, o.id AS oid FROM cust c LEFT JOIN ord o ON c.credit < o.total AND o.id < 20 WHERE c.id < 20;
SELECT c.id, coalesce(o.total, 0) AS t, o.id IS NULL AS missing FROM cust c LEFT JOIN ord o ON o.cust = c.id;
SELECT id, name, code FROM cust FULL JOIN doc USING (id);
SELECT c.id, s.n FROM cust c LEFT JOIN (SELECT cust, count(*) AS n FROM ord GROUP BY cust) s ON s.cust = c.id;
SELECT c.name, s.top FROM cust c JOIN (SELECT cust, max(total) AS top FROM ord GROUP BY cust HAVING count(*) > 1) s ON s.cust = c.id;
SELECT i.ord, o.status FROM item i LEFT JOIN ord o ON o.id = i.ord WHERE i.qty > 1;

-- set operations
SELECT city FROM cust UNION SELECT status FROM ord;
SELECT city FROM cust UNION ALL SELECT status FROM ord;
SELECT a FROM pair UNION SELECT b FROM pair;
SELECT a FROM pair UNION ALL SELECT b FROM pair;
SELECT a FROM pair INTERSECT SELECT b FROM pair;
SELECT a FROM pair INTERSECT ALL SELECT b FROM pair;
SELECT a FROM pair EXCEPT SELECT c FROM pair;
SELECT a, b FROM pair EXCEPT ALL SELECT b, a FROM pair;
SELECT id FROM cust EXCEPT SELECT cust FROM ord;
SELECT cust FROM ord EXCEPT ALL SELECT id FROM cust;
SELECT id, name FROM cust WHERE vip UNION SELECT id, code FROM doc WHERE id < 20;
SELECT qty AS n FROM ord UNION ALL SELECT total FROM ord UNION ALL SELECT a FROM pair;
SELECT u.x, count(*) AS n FROM (SELECT a AS x FROM pair UNION ALL SELECT qty FROM item) u GROUP BY u.x;
(SELECT a FROM pair UNION SELECT qty FROM item) EXCEPT SELECT c FROM pair;
SELECT 'cust' AS kind, count(*) AS n FROM cust UNION ALL SELECT 'ord', count(*) FROM ord UNION ALL SELECT 'item', count(*) FROM item;

-- subqueries
SELECT id FROM ord WHERE cust IN (SELECT id FROM cust);
SELECT id FROM ord WHERE cust NOT IN (SELECT id FROM cust);
SELECT id FROM cust WHERE id NOT IN (SELECT cust FROM ord);
SELECT id FROM cust WHERE id NOT IN (SELECT cust FROM ord WHERE cust IS NOT NULL AND total > 0);
SELECT id FROM ord WHERE cust IN (SELECT id FROM cust WHERE vip) OR qty > 5;
SELECT id, cust IN (SELECT id FROM cust) AS known FROM ord;
SELECT a, b FROM pair WHERE (a, b) IN (SELECT b, a FROM pair);
SELECT a, b FROM pair WHERE (a, b) NOT IN (SELECT b, a FROM pair WHERE a IS NOT NULL AND b IS NOT NULL);
SELECT id FROM cust c WHERE EXISTS (SELECT 1 FROM ord o WHERE o.cust = c.id);
SELECT id FROM cust c WHERE NOT EXISTS (SELECT 1 FROM ord o WHERE o.cust = c.id AND o.status = 'paid');
SELECT id FROM cust c WHERE EXISTS (SELECT 1 FROM ord o WHERE o.cust = c.id AND o.total > c.credit);
SELECT id FROM cust c WHERE EXISTS (SELECT 1 FROM ord o JOIN item i ON i.ord = o.id WHERE o.cust = c.id AND i.sku = 'pen');
SELECT id, EXISTS (SELECT 1 FROM ord o WHERE o.cust = c.id) AS has FROM cust c;
SELECT id FROM ord WHERE total > (SELECT avg(total) FROM ord);
SELECT id FROM ord WHERE total = (SELECT max(total) FROM ord);
SELECT id, total - (SELECT min(total) FROM ord) AS above FROM ord;
SELECT id FROM ord o WHERE total > (SELECT avg(total) FROM ord x WHERE x.cust = o.cust);
SELECT id FROM ord o WHERE total = (SELECT max(total) FROM ord x WHERE x.status = o.status);
SELECT id, (SELECT count(*) FROM ord o WHERE o.cust = c.id) AS n FROM cust c;
SELECT id, (SELECT sum(total) FROM ord o WHERE o.cust = c.id AND o.status = 'paid') AS s FROM cust c;
SELECT id, (SELECT max(i.price) FROM item i JOIN ord o ON o.id = i.ord WHERE o.cust = c.id) AS top FROM cust c;
SELECT id, (SELECT name FROM cust c WHERE c.id = o.cust) AS n FROM ord o;
SELECT id, (SELECT c.name FROM cust c WHERE c.city = o.status OR c.id = o.cust ORDER BY c.id LIMIT 1) AS n FROM ord o;
SELECT id FROM ord WHERE total > ALL (SELECT credit FROM cust WHERE credit IS NOT NULL AND city = 'Lima');
SELECT id FROM ord WHERE qty > ANY (SELECT a FROM pair WHERE b = 1);
SELECT id FROM ord o WHERE qty >= ALL (SELECT x.qty FROM ord x WHERE x.cust = o.cust AND x.qty IS NOT NULL);
SELECT id FROM cust c WHERE (SELECT count(*) FROM ord o WHERE o.cust = c.id) > 2;
SELECT id FROM cust c WHERE id IN (SELECT cust FROM ord o WHERE o.total > c.credit);
SELECT id FROM cust c WHERE c.credit NOT IN (SELECT o.total FROM ord o WHERE o.cust = c.id);
SELECT c.id, s.total FROM cust c, (SELECT cust, sum(total) AS total FROM ord GROUP BY cust) s WHERE s.cust = c.id AND s.total > 10;
SELECT avg(n) AS a, max(n) AS m FROM (SELECT count(*) AS n FROM ord GROUP BY cust) s;
SELECT c.id FROM cust c WHERE NOT EXISTS (SELECT 1 FROM ord o WHERE o.cust = c.id AND NOT EXISTS (SELECT 1 FROM item i WHERE i.ord = o.id));
SELECT status, (SELECT count(*) FROM item i WHERE i.qty = min(o.qty)) AS n FROM ord o GROUP BY status;

-- lateral
SELECT c.id, t.id AS oid, t.total FROM cust c, LATERAL (SELECT o.id, o.total FROM ord o WHERE o.cust = c.id ORDER BY o.total DESC NULLS LAST, o.id LIMIT 2) t;
SELECT c.id, t.id AS oid FROM cust c LEFT JOIN LATERAL (SELECT o.id FROM ord o WHERE o.cust = c.id ORDER BY o.day NULLS LAST, o.id LIMIT 1) t ON true;
SELECT c.id, t.n, t.s FROM cust c, LATERAL (SELECT count(*) AS n, sum(total) AS s FROM ord o WHERE o.cust = c.id) t;
SELECT o.id, v.k, v.x FROM ord o, LATERAL (VALUES ('qty', o.qty::numeric), ('total', o.total)) AS v(k, x);
SELECT p.a, g FROM pair p, generate_series(1, p.c) g;
SELECT c.id, x.y FROM cust c, LATERAL (SELECT c.credit * 2 AS y) x WHERE x.y > 0;
SELECT c.id, t.sku FROM cust c, LATERAL (SELECT DISTINCT i.sku FROM ord o JOIN item i ON i.ord = o.id WHERE o.cust = c.id) t;

-- common table expressions
WITH big AS (SELECT * FROM ord WHERE total > 50) SELECT cust, count(*) AS n FROM big GROUP BY cust;
WITH s AS (SELECT cust, sum(total) AS t FROM ord GROUP BY cust), m AS (SELECT max(t) AS top FROM s) SELECT s.cust FROM s, m WHERE s.t = m.top;
WITH p AS (SELECT DISTINCT a, b FROM pair) SELECT x.a, y.b FROM p x JOIN p y ON x.b = y.a;
WITH a AS (SELECT id FROM cust WHERE vip), b AS (SELECT cust FROM ord WHERE cust IN (SELECT id FROM a)) SELECT cust, count(*) AS n FROM b GROUP BY cust;

-- order and limit
SELECT id, total FROM ord ORDER BY total DESC NULLS LAST, id LIMIT 10;
SELECT id, total FROM ord ORDER BY total, id LIMIT 5 OFFSET 3;
SELECT id, name FROM cust ORDER BY name NULLS FIRST, id DESC LIMIT 7;
SELECT cust, sum(total) AS s FROM ord GROUP BY cust ORDER BY s DESC NULLS LAST, cust LIMIT 5;
SELECT a, b, c FROM pair ORDER BY a, b, c LIMIT 12;
SELECT a, b, c FROM pair ORDER BY a DESC, b DESC, c DESC LIMIT 3 OFFSET 2;
SELECT s.id FROM (SELECT id, cust FROM ord ORDER BY at NULLS LAST, id LIMIT 20) s JOIN cust c ON c.id = s.cust;
SELECT count(*) AS n FROM (SELECT id FROM ord ORDER BY id LIMIT 15) s;
SELECT sku, count(*) AS n FROM item GROUP BY sku ORDER BY count(*) DESC, sku LIMIT 1;

-- wide ones
SELECT c.city, date_trunc('month', o.day) AS m, count(DISTINCT c.id) AS custs, count(*) AS orders, sum(o.total) AS total, avg(o.score) AS score, max(i.price) AS top FROM cust c LEFT JOIN ord o ON o.cust = c.id LEFT JOIN item i ON i.ord = o.id GROUP BY c.city, date_trunc('month', o.day);
SELECT s.city, s.n, s.total, r.top FROM (SELECT city, count(*) AS n, sum(credit) AS total FROM cust GROUP BY city) s LEFT JOIN (SELECT c.city, max(o.total) AS top FROM cust c JOIN ord o ON o.cust = c.id GROUP BY c.city) r ON r.city = s.city;
SELECT o.id, o.total, c.name, (SELECT count(*) FROM item i WHERE i.ord = o.id) AS items, CASE WHEN EXISTS (SELECT 1 FROM doc d WHERE d.id = o.cust) THEN 'doc' ELSE 'none' END AS d FROM ord o LEFT JOIN cust c ON c.id = o.cust WHERE o.status IN ('open', 'paid') AND (o.total > 10 OR o.qty IS NULL);
SELECT x.k, sum(x.n) AS n FROM (SELECT 'a' || a AS k, count(*) AS n FROM pair GROUP BY a UNION ALL SELECT 'b' || b, count(*) FROM pair GROUP BY b) x GROUP BY x.k HAVING sum(x.n) > 1;
SELECT c.id, c.credit - coalesce(s.spent, 0) AS left_, s.n FROM cust c LEFT JOIN (SELECT o.cust, sum(i.qty * i.price) AS spent, count(DISTINCT o.id) AS n FROM ord o JOIN item i ON i.ord = o.id WHERE o.status <> 'open' GROUP BY o.cust) s ON s.cust = c.id WHERE c.credit > 0;
SELECT DISTINCT c.city, d.tags[1] AS tag FROM cust c JOIN doc d ON d.id = c.id WHERE d.nums IS NOT NULL;

-- window functions: over a total order, or where peers are alike
SELECT id, cust, row_number() OVER (PARTITION BY cust ORDER BY total DESC NULLS LAST, id) AS rn, rank() OVER (PARTITION BY cust ORDER BY day) AS r, dense_rank() OVER (PARTITION BY status ORDER BY qty) AS dr FROM ord;
SELECT id, percent_rank() OVER (PARTITION BY status ORDER BY total) AS pr, cume_dist() OVER (PARTITION BY status ORDER BY total) AS cd, ntile(4) OVER (ORDER BY id) AS quarter FROM ord;
SELECT id, lag(total) OVER w AS before, lead(total, 2, 0) OVER w AS behind, lag(status, 1, 'first') OVER w AS was, id - lag(id) OVER w AS gap FROM ord WINDOW w AS (PARTITION BY cust ORDER BY id);
SELECT id, first_value(status) OVER w AS f, last_value(qty) OVER w AS l, nth_value(total, 2) OVER w AS n FROM ord WINDOW w AS (PARTITION BY cust ORDER BY id);
SELECT id, sum(total) OVER w AS s, count(*) OVER w AS n, avg(qty) OVER w AS a, min(total) OVER w AS mi, max(status) OVER w AS mx FROM ord WINDOW w AS (PARTITION BY cust ORDER BY id);
SELECT id, sum(qty) OVER (ORDER BY day) AS s, count(total) OVER (ORDER BY day) AS n, min(at) OVER (ORDER BY day) AS m FROM ord;
SELECT id, sum(total) OVER w AS s, max(total) OVER w AS x, min(qty) OVER w AS i, avg(total) OVER w AS a FROM ord WINDOW w AS (PARTITION BY status ORDER BY id ROWS BETWEEN 3 PRECEDING AND 2 FOLLOWING);
SELECT id, count(*) OVER w AS n, sum(qty) OVER w AS s, max(id) OVER w AS last FROM ord WINDOW w AS (ORDER BY day RANGE BETWEEN interval '3 days' PRECEDING AND interval '1 day' FOLLOWING);
SELECT id, count(*) OVER w AS n, sum(total) OVER w AS s FROM ord WINDOW w AS (PARTITION BY status ORDER BY at DESC RANGE BETWEEN interval '2 hours' PRECEDING AND CURRENT ROW);
SELECT id, sum(id) OVER (ORDER BY qty RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s, count(*) OVER (ORDER BY total RANGE BETWEEN 2.50 PRECEDING AND 1 FOLLOWING) AS n FROM ord;
SELECT id, sum(total) OVER (PARTITION BY status ORDER BY qty GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s, max(id) OVER (ORDER BY day GROUPS 2 PRECEDING) AS m FROM ord;
SELECT id, sum(qty) OVER (PARTITION BY cust ORDER BY id ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) AS s, count(*) OVER (ORDER BY day RANGE UNBOUNDED PRECEDING EXCLUDE TIES) AS n, max(id) OVER (ORDER BY qty GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE GROUP) AS x FROM ord;
SELECT id, total, sum(total) OVER (PARTITION BY cust) AS all_, count(*) OVER () AS n, max(day) OVER (PARTITION BY status) AS last FROM ord;
SELECT id, count(*) FILTER (WHERE status = 'open') OVER (PARTITION BY cust ORDER BY id) AS open_, sum(total) FILTER (WHERE qty > 2) OVER (ORDER BY id ROWS 5 PRECEDING) AS s FROM ord;
SELECT id, string_agg(status, ',') OVER (PARTITION BY cust ORDER BY id) AS path, array_agg(qty) OVER (PARTITION BY cust ORDER BY id ROWS 2 PRECEDING) AS qs FROM ord;
SELECT ord, sku, qty, row_number() OVER (PARTITION BY sku ORDER BY ord, qty, price, note) AS rn, count(*) OVER (PARTITION BY sku) AS n, sum(qty) OVER (PARTITION BY sku ORDER BY ord, qty, price, note ROWS UNBOUNDED PRECEDING) AS s FROM item;
SELECT a, b, c, row_number() OVER (ORDER BY a, b, c) AS rn, rank() OVER (ORDER BY a) AS r, sum(c) OVER (ORDER BY a, b, c ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS s FROM pair;
SELECT cust, id, total, rn FROM (SELECT cust, id, total, row_number() OVER (PARTITION BY cust ORDER BY total DESC NULLS LAST, id) AS rn FROM ord) s WHERE rn <= 2;
SELECT cust, id FROM (SELECT cust, id, rank() OVER (PARTITION BY cust ORDER BY qty) AS r FROM ord) s WHERE r <= 3;
SELECT status, id, r FROM (SELECT status, id, rank() OVER (PARTITION BY status ORDER BY day DESC) AS r FROM ord) s WHERE r < 4;
SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY sku ORDER BY ord DESC, qty, price, note) AS rn FROM item) s WHERE rn = 1;
SELECT a, b, c FROM (SELECT a, b, c, row_number() OVER (PARTITION BY a ORDER BY b, c) AS rn FROM pair) s WHERE rn BETWEEN 2 AND 3;
SELECT city, n, rank() OVER (ORDER BY n DESC) AS r, sum(n) OVER (ORDER BY n DESC, city) AS upto FROM (SELECT city, count(*) AS n FROM cust GROUP BY city) s;
SELECT cust, sum(total) AS s, rank() OVER (ORDER BY sum(total) DESC NULLS LAST) AS r, lag(sum(total)) OVER (ORDER BY cust) AS prev FROM ord GROUP BY cust;
SELECT x.id, y.id AS next_ FROM (SELECT id, cust, row_number() OVER (PARTITION BY cust ORDER BY id) AS r FROM ord) x LEFT JOIN (SELECT id, cust, row_number() OVER (PARTITION BY cust ORDER BY id) AS r FROM ord) y ON y.cust = x.cust AND y.r = x.r + 1;
SELECT id, gap, sum(gap) OVER (ORDER BY id) AS s, count(*) OVER (ORDER BY at RANGE BETWEEN '1 day' PRECEDING AND '1 day' FOLLOWING) AS n, max(code) OVER (ORDER BY id ROWS 3 PRECEDING) AS c, min(nums) OVER (ORDER BY id ROWS 3 PRECEDING) AS m FROM doc;
SELECT c.id, (SELECT s.r FROM (SELECT o.id, o.cust, row_number() OVER (PARTITION BY o.cust ORDER BY o.id) AS r FROM ord o) s WHERE s.cust = c.id ORDER BY s.r DESC LIMIT 1) AS n FROM cust c;
-- ordered sets
SELECT status, percentile_cont(0.5) WITHIN GROUP (ORDER BY score) AS p50, percentile_cont(0.99) WITHIN GROUP (ORDER BY total) AS p99 FROM ord GROUP BY status;
SELECT cust, percentile_disc(0.25) WITHIN GROUP (ORDER BY day DESC) AS d, percentile_disc(ARRAY[0, 0.5, 1]) WITHIN GROUP (ORDER BY at) AS a FROM ord GROUP BY cust;
SELECT mode() WITHIN GROUP (ORDER BY status) AS m, mode() WITHIN GROUP (ORDER BY qty DESC) AS q, percentile_disc(0.9) WITHIN GROUP (ORDER BY status) AS s FROM ord;
SELECT c.city, percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY o.score) AS p, mode() WITHIN GROUP (ORDER BY o.day) FILTER (WHERE o.qty > 2) AS m FROM cust c LEFT JOIN ord o ON o.cust = c.id GROUP BY c.city;
SELECT a, percentile_cont(0.5) WITHIN GROUP (ORDER BY b) AS med FROM pair GROUP BY a HAVING percentile_disc(0.5) WITHIN GROUP (ORDER BY c) IS NOT NULL;
SELECT code, percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) AS g, percentile_disc(0.5) WITHIN GROUP (ORDER BY uid) AS u, mode() WITHIN GROUP (ORDER BY tags) AS t FROM doc GROUP BY code;
