-- Pass through: the cost of moving a row.
SELECT auction, bidder, price, date_time, extra FROM bid
