-- Hot items: the auctions with the most bids in the last 10 seconds, every 2 seconds.
SELECT ab.auction, ab.num
FROM (
  SELECT auction, count(*) AS num, window_start, window_end
  FROM HOP(bid, date_time, INTERVAL '2' SECOND, INTERVAL '10' SECOND)
  GROUP BY auction, window_start, window_end
) ab
JOIN (
  SELECT max(num) AS maxn, window_start, window_end
  FROM (
    SELECT count(*) AS num, window_start, window_end
    FROM HOP(bid, date_time, INTERVAL '2' SECOND, INTERVAL '10' SECOND)
    GROUP BY auction, window_start, window_end
  ) cb
  GROUP BY window_start, window_end
) mb ON ab.window_start = mb.window_start AND ab.window_end = mb.window_end AND ab.num >= mb.maxn
