-- Last bid of each bidder on each auction. Bids of one time go by the row.
SELECT auction, bidder, price, channel, url, date_time, extra
FROM (SELECT *, row_number() OVER (PARTITION BY bidder, auction ORDER BY date_time DESC) AS rank_number FROM bid) b
WHERE rank_number <= 1
