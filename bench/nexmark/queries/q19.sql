-- Ten highest bids of each auction. Bids of one price go by the row.
SELECT auction, bidder, price, channel, url, date_time, extra, rank_number
FROM (SELECT *, row_number() OVER (PARTITION BY auction ORDER BY price DESC) AS rank_number FROM bid) b
WHERE rank_number <= 10
