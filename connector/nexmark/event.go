package nexmark

import "math/bits"

// The suite's constants. Ids of persons and auctions begin at 1000, so that they are
// not mistaken for counts.
const (
	personShare  = 1
	auctionShare = 3
	bidShare     = 46
	allShares    = personShare + auctionShare + bidShare

	firstID         = 1000
	firstCategory   = 10
	categories      = 5
	idLead          = 10 // how far ids may run ahead of what has been made
	hotUnit         = 100
	hotAuctionRatio = 2
	hotSellerRatio  = 4
	hotBidderRatio  = 4
	activePeople    = 1000
	inFlight        = 100 // auctions open at a time
)

// Table is one of the three kinds of events.
type Table string

// The tables.
const (
	Person  Table = "person"
	Auction Table = "auction"
	Bid     Table = "bid"
)

// eventOf returns the number of the event that is row i of the table.
func (t Table) eventOf(i int64) int64 {
	switch t {
	case Person:
		return i * allShares
	case Auction:
		return i/auctionShare*allShares + personShare + i%auctionShare
	}
	return i/bidShare*allShares + personShare + auctionShare + i%bidShare
}

// RowsBefore returns how many of the events [0, n) belong to the table.
func (t Table) RowsBefore(n int64) int64 {
	whole, rest := n/allShares, n%allShares
	switch t {
	case Person:
		return whole*personShare + min(rest, personShare)
	case Auction:
		return whole*auctionShare + min(max(rest-personShare, 0), auctionShare)
	}
	return whole*bidShare + max(rest-personShare-auctionShare, 0)
}

// lastPerson and lastAuction return the newest id, counted from 0, that exists when
// event n happens.
func lastPerson(n int64) int64 { return n / allShares }

func lastAuction(n int64) int64 {
	epoch, at := n/allShares, n%allShares
	switch {
	case at < personShare:
		return (epoch-1)*auctionShare + auctionShare - 1
	case at >= personShare+auctionShare:
		return epoch*auctionShare + auctionShare - 1
	}
	return epoch*auctionShare + at - personShare
}

// random is a stream of random numbers that belongs to one event (splitmix64).
type random struct{ state uint64 }

func newRandom(seed uint64, event int64) random {
	r := random{seed ^ uint64(event)*0x9e3779b97f4a7c15}
	r.state = r.next()
	return r
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number in [0, n), n > 0.
func (r *random) below(n int64) int64 {
	hi, _ := bits.Mul64(r.next(), uint64(n))
	return int64(hi)
}

// price returns a price in cents: 10^[0,6) × 100, as the suite's, through a table of
// 4096 steps so that no power is computed per event.
func (r *random) price() int64 {
	x := r.next()
	i := x >> 52
	lo, hi := priceTable[i], priceTable[i+1]
	return lo + int64(x&0xffff)*(hi-lo)>>16
}

// person returns a person's id that is about to be, or has lately been, active.
func (r *random) person(n int64) int64 {
	people := lastPerson(n) + 1
	active := min(people, activePeople)
	return people - active + r.below(active+idLead)
}

// auction returns the id of an auction that is open, or about to be.
func (r *random) auction(n int64) int64 {
	last := max(lastAuction(n), 0)
	first := max(last-inFlight, 0)
	return first + r.below(last-first+1+idLead)
}
