package nexmark

import (
	"fmt"
	"math"

	"streamdb/sql/chunk"
)

// lexicon is a fixed set of byte strings in one buffer, which columns share.
type lexicon struct {
	bytes []byte
	views []chunk.View
}

func (l *lexicon) add(s string) {
	l.views = append(l.views, chunk.View{Off: uint32(len(l.bytes)), Len: uint32(len(s))})
	l.bytes = append(l.bytes, s...)
}

var (
	firstNames = []string{"Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Deiter", "Walter"}
	lastNames  = []string{"Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris"}
	cities     = []string{"Phoenix", "Los Angeles", "San Francisco", "Boise", "Portland", "Bend", "Redmond", "Seattle", "Kent", "Cheyenne"}
	states     = []string{"AZ", "CA", "ID", "OR", "WA", "WY"}
	hotSites   = []string{"Google", "Facebook", "Baidu", "Apple"}
)

// channelCount is the number of channels that are not hot.
const channelCount = 10_000

var (
	names, emails, cards, cityWords, stateWords = personWords()
	channels, urls                              = channelWords()
	// letters is what names of items, descriptions and padding are cut from.
	letters    = letterBuffer()
	priceTable = prices()
)

// letterBytes is the size of the buffer of letters; a power of two.
const letterBytes = 1 << 16

func personWords() (n, e, c, city, state lexicon) {
	for _, f := range firstNames {
		for _, l := range lastNames {
			n.add(f + " " + l)
		}
	}
	r := newRandom(1, 1)
	word := func(k int) string {
		b := make([]byte, k)
		for i := range b {
			b[i] = 'a' + byte(r.below(26))
		}
		return string(b)
	}
	for range 1024 {
		e.add(word(7) + "@" + word(5) + ".com")
		c.add(fmt.Sprintf("%04d %04d %04d %04d", r.below(10000), r.below(10000), r.below(10000), r.below(10000)))
	}
	for _, w := range cities {
		city.add(w)
	}
	for _, w := range states {
		state.add(w)
	}
	return n, e, c, city, state
}

// channelWords makes the channels and their URLs: the hot sites first.
func channelWords() (c, u lexicon) {
	r := newRandom(2, 2)
	dir := func() string {
		b := make([]byte, 3+r.below(3))
		for i := range b {
			b[i] = 'a' + byte(r.below(26))
		}
		return string(b)
	}
	url := func() string {
		return "https://www.nexmark.com/" + dir() + "/" + dir() + "/" + dir() + "/item.htm?query=1"
	}
	for _, s := range hotSites {
		c.add(s)
		u.add(url())
	}
	for i := range channelCount {
		c.add(fmt.Sprintf("channel-%d", i))
		if r.below(10) > 0 {
			u.add(url() + fmt.Sprintf("&channel_id=%d", bitReverse(i)))
		} else {
			u.add(url())
		}
	}
	return c, u
}

// bitReverse spreads channel ids as the suite does.
func bitReverse(i int) uint32 {
	var r uint32
	for k := range 32 {
		r |= uint32(i) >> k & 1 << (31 - k)
	}
	return r & math.MaxInt32
}

func letterBuffer() []byte {
	r := newRandom(3, 3)
	b := make([]byte, letterBytes+4096)
	for i := range b {
		if r.below(13) == 0 {
			b[i] = ' '
		} else {
			b[i] = 'a' + byte(r.below(26))
		}
	}
	return b
}

func prices() [4097]int64 {
	var t [4097]int64
	for i := range t {
		t[i] = int64(math.Round(math.Pow(10, float64(i)/4096*6) * 100))
	}
	return t
}
