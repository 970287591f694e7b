package nexmark

import (
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// block is a range of rows on its way: their events and the random numbers that each
// column draws from. Every column of an event has a stream of its own, so that a column
// is the same whichever others are declared.
type block struct {
	cfg    *Config
	events []int64
}

func (s *Source) block(lo, hi int64) *block {
	b := &block{cfg: &s.cfg, events: make([]int64, 0, hi-lo)}
	first := s.table.RowsBefore(s.cfg.FirstEvent)
	for i := lo; i < hi; i++ {
		b.events = append(b.events, s.table.eventOf(first+i))
	}
	return b
}

// Streams of random numbers, per column.
const (
	streamAuction = iota + 1
	streamBidder
	streamPrice
	streamChannel
	streamExtra
	streamName
	streamEmail
	streamCard
	streamCity
	streamState
	streamItem
	streamDescription
	streamReserve
	streamExpires
	streamSeller
	streamCategory
)

func (b *block) random(stream uint64, event int64) random {
	return newRandom(b.cfg.Seed^stream*0xd1342543de82ef95, event)
}

// ints makes a column of numbers.
func ints(stream uint64, f func(b *block, r *random, event int64) int64) func(*block, *chunk.Column) {
	return func(b *block, out *chunk.Column) {
		for _, n := range b.events {
			r := b.random(stream, n)
			out.Ints = append(out.Ints, f(b, &r, n))
		}
	}
}

// words makes a column of words of a lexicon.
func words(stream uint64, l *lexicon, pick func(r *random) int64) func(*block, *chunk.Column) {
	return func(b *block, out *chunk.Column) {
		out.Bytes = l.bytes[:len(l.bytes):len(l.bytes)]
		for _, n := range b.events {
			r := b.random(stream, n)
			out.Views = append(out.Views, l.views[pick(&r)])
		}
	}
}

// anyWord picks evenly.
func anyWord(l *lexicon) func(r *random) int64 {
	n := int64(len(l.views))
	return func(r *random) int64 { return r.below(n) }
}

// text makes a column of least to most letters.
func text(stream uint64, least, most int64) func(*block, *chunk.Column) {
	return func(b *block, out *chunk.Column) {
		out.Bytes = letters[:len(letters):len(letters)]
		for _, n := range b.events {
			r := b.random(stream, n)
			at := r.next() & (letterBytes - 1)
			out.Views = append(out.Views, chunk.View{Off: uint32(at), Len: uint32(least + r.below(most-least+1))})
		}
	}
}

func eventTime(b *block, out *chunk.Column) {
	for _, n := range b.events {
		out.Ints = append(out.Ints, b.cfg.timeOf(n))
	}
}

// channel picks a hot site half of the time.
func channel(r *random) int64 {
	if r.below(2) > 0 {
		return r.below(int64(len(hotSites)))
	}
	return int64(len(hotSites)) + r.below(channelCount)
}

func auctionPrice(stream uint64) func(b *block, event int64) int64 {
	return func(b *block, event int64) int64 {
		r := b.random(stream, event)
		return r.price()
	}
}

// expires ends an auction, on average, when inFlight more have been opened.
func expires(b *block, r *random, n int64) int64 {
	now := b.cfg.timeOf(n)
	horizon := (b.cfg.timeOf(n+inFlight*allShares/auctionShare) - now) / 1000
	return now + (1+r.below(max(horizon*2, 1)))*1000
}

// columnsOf returns the columns of a table by their names without underscores.
func columnsOf(t Table) map[string]field {
	id := types.Int8
	at := field{types.Timestamp, eventTime}
	switch t {
	case Person:
		return map[string]field{
			"id":           {id, ints(0, func(_ *block, _ *random, n int64) int64 { return firstID + lastPerson(n) })},
			"name":         {types.Text, words(streamName, &names, anyWord(&names))},
			"emailaddress": {types.Text, words(streamEmail, &emails, anyWord(&emails))},
			"creditcard":   {types.Text, words(streamCard, &cards, anyWord(&cards))},
			"city":         {types.Text, words(streamCity, &cityWords, anyWord(&cityWords))},
			"state":        {types.Text, words(streamState, &stateWords, anyWord(&stateWords))},
			"datetime":     at,
			"extra":        {types.Text, text(streamExtra, 80, 120)},
		}
	case Auction:
		initial := auctionPrice(streamPrice)
		return map[string]field{
			"id":          {id, ints(0, func(_ *block, _ *random, n int64) int64 { return firstID + lastAuction(n) })},
			"itemname":    {types.Text, text(streamItem, 3, 20)},
			"description": {types.Text, text(streamDescription, 3, 100)},
			"initialbid":  {id, ints(0, func(b *block, _ *random, n int64) int64 { return initial(b, n) })},
			"reserve":     {id, ints(streamReserve, func(b *block, r *random, n int64) int64 { return initial(b, n) + r.price() })},
			"datetime":    at,
			"expires":     {types.Timestamp, ints(streamExpires, expires)},
			"seller":      {id, ints(streamSeller, seller)},
			"category":    {id, ints(streamCategory, func(_ *block, r *random, _ int64) int64 { return firstCategory + r.below(categories) })},
			"extra":       {types.Text, text(streamExtra, 200, 300)},
		}
	}
	return map[string]field{
		"auction":  {id, ints(streamAuction, bidAuction)},
		"bidder":   {id, ints(streamBidder, bidder)},
		"price":    {id, ints(streamPrice, func(_ *block, r *random, _ int64) int64 { return r.price() })},
		"channel":  {types.Text, words(streamChannel, &channels, channel)},
		"url":      {types.Text, words(streamChannel, &urls, channel)},
		"datetime": at,
		"extra":    {types.Text, text(streamExtra, 20, 60)},
	}
}

func seller(_ *block, r *random, n int64) int64 {
	if r.below(hotSellerRatio) > 0 {
		return firstID + lastPerson(n)/hotUnit*hotUnit
	}
	return firstID + r.person(n)
}

func bidAuction(_ *block, r *random, n int64) int64 {
	if r.below(hotAuctionRatio) > 0 {
		return firstID + max(lastAuction(n), 0)/hotUnit*hotUnit
	}
	return firstID + r.auction(n)
}

func bidder(_ *block, r *random, n int64) int64 {
	if r.below(hotBidderRatio) > 0 {
		return firstID + lastPerson(n)/hotUnit*hotUnit + 1
	}
	return firstID + r.person(n)
}

// columnNames returns a table's columns as they are usually written.
func columnNames(t Table) []string {
	switch t {
	case Person:
		return []string{"id", "name", "email_address", "credit_card", "city", "state", "date_time", "extra"}
	case Auction:
		return []string{"id", "item_name", "description", "initial_bid", "reserve", "date_time", "expires", "seller", "category", "extra"}
	}
	return []string{"auction", "bidder", "price", "channel", "url", "date_time", "extra"}
}

// Columns returns the columns of a table with their types, in the suite's order: what
// CREATE SOURCE without a column list gets.
func Columns(t Table) (names []string, typs []types.Type) {
	known := columnsOf(t)
	for _, n := range columnNames(t) {
		f := known[string(slices.DeleteFunc([]byte(n), func(b byte) bool { return b == '_' }))]
		names, typs = append(names, n), append(typs, f.typ)
	}
	return names, typs
}
