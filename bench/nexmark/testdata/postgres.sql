-- The queries as PostgreSQL understands them, where that is another text than in queries/: windows are written out, and
-- what goes "by the row" names the columns. A query begins with "-- name" and ends with the next one.

-- q5
WITH hops AS (
  SELECT auction, date_bin('2 seconds', date_time, '1970-01-01') - k * interval '2 seconds' AS window_start, count(*) AS num
  FROM bid, generate_series(0, 4) k
  GROUP BY 1, 2
), most AS (SELECT window_start, max(num) AS maxn FROM hops GROUP BY window_start)
SELECT h.auction, h.num FROM hops h JOIN most m ON h.window_start = m.window_start AND h.num >= m.maxn

-- q6
SELECT q.seller, avg(q.price) OVER (PARTITION BY q.seller ORDER BY q.date_time, q.id, q.price ROWS BETWEEN 10 PRECEDING AND CURRENT ROW) AS avg_price
FROM (
  SELECT a.id, a.seller, b.price, b.date_time, row_number() OVER (PARTITION BY a.id, a.seller ORDER BY b.price DESC, b.date_time) AS rownum
  FROM auction a, bid b
  WHERE a.id = b.auction AND b.date_time BETWEEN a.date_time AND a.expires
) q
WHERE q.rownum <= 1

-- q7
SELECT b.auction, b.price, b.bidder, b.date_time, b.extra
FROM bid b
JOIN (
  SELECT max(price) AS maxprice, date_bin('10 seconds', date_time, '1970-01-01') + interval '10 seconds' AS date_time
  FROM bid GROUP BY 2
) b1 ON b.price = b1.maxprice
WHERE b.date_time BETWEEN b1.date_time - interval '10 seconds' AND b1.date_time

-- q8
SELECT p.id, p.name, p.window_start
FROM (SELECT DISTINCT id, name, date_bin('10 seconds', date_time, '1970-01-01') AS window_start FROM person) p
JOIN (SELECT DISTINCT seller, date_bin('10 seconds', date_time, '1970-01-01') AS window_start FROM auction) a
ON p.id = a.seller AND p.window_start = a.window_start

-- q9
SELECT id, item_name, description, initial_bid, reserve, date_time, expires, seller, category, extra,
  auction, bidder, price, bid_date_time, bid_extra
FROM (
  SELECT a.*, b.auction, b.bidder, b.price, b.date_time AS bid_date_time, b.extra AS bid_extra,
    row_number() OVER (PARTITION BY a.id ORDER BY b.price DESC, b.date_time, b.bidder, b.extra) AS rownum
  FROM auction a, bid b
  WHERE a.id = b.auction AND b.date_time BETWEEN a.date_time AND a.expires
) q
WHERE rownum <= 1

-- q11
SELECT bidder, count(*) AS bid_count, min(date_time) AS starttime, max(date_time) + interval '10 seconds' AS endtime
FROM (
  SELECT bidder, date_time, sum(fresh) OVER (PARTITION BY bidder ORDER BY date_time) AS session
  FROM (
    SELECT bidder, date_time,
      CASE WHEN date_time - lag(date_time) OVER (PARTITION BY bidder ORDER BY date_time) < interval '10 seconds' THEN 0 ELSE 1 END AS fresh
    FROM bid
  ) s
) s
GROUP BY bidder, session

-- q12
SELECT bidder, count(*) AS bid_count, date_bin('10 seconds', p_time, '1970-01-01 00:00:00Z') AS starttime,
  date_bin('10 seconds', p_time, '1970-01-01 00:00:00Z') + interval '10 seconds' AS endtime
FROM stamped GROUP BY 1, 3, 4

-- q13
SELECT b.auction, b.bidder, b.price, b.date_time, s.value FROM bid b JOIN side_input s ON mod(b.auction, 10000) = s.key

-- q18
SELECT auction, bidder, price, channel, url, date_time, extra
FROM (
  SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC, price, channel, url, extra) AS rank_number FROM bid
) b
WHERE rank_number <= 1

-- q19
SELECT auction, bidder, price, channel, url, date_time, extra, rank_number
FROM (
  SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC, bidder, channel, url, date_time, extra) AS rank_number FROM bid
) b
WHERE rank_number <= 10
