package nexmark

import (
	"bytes"

	gen "streamdb/connector/nexmark"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// clockText keeps the text of the newest day and minute: most rows share them.
type clockText struct {
	day, minute         int64
	dayText, minuteText []byte
}

// at moves to time t.
func (k *clockText) at(t int64) {
	m := t / (60 * second)
	if m == k.minute && k.dayText != nil {
		return
	}
	k.minute = m
	h, n := byte(m/60%24), byte(m%60)
	k.minuteText = append(k.minuteText[:0], '0'+h/10, '0'+h%10, ':', '0'+n/10, '0'+n%10)
	if d := m / (24 * 60); d != k.day || k.dayText == nil {
		k.day, k.dayText = d, types.AppendText(k.dayText[:0], types.Date, types.Datum{I: d}, nil)
	}
}

// loopQ10 adds day and minute.
func loopQ10(rounds []round, out *sum) {
	var k clockText
	day, minute := chunk.NewColumn(types.Text, chunk.RowsMax), chunk.NewColumn(types.Text, chunk.RowsMax)
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		day.Views, day.Bytes = day.Views[:0], day.Bytes[:0]
		minute.Views, minute.Bytes = minute.Views[:0], minute.Bytes[:0]
		for _, t := range c.Cols[bidTime].Ints {
			if t/(60*second) != k.minute || len(day.Views) == 0 {
				k.at(t)
				day.AppendBytes(k.dayText)
				minute.AppendBytes(k.minuteText)
				continue
			}
			day.Views = append(day.Views, day.Views[len(day.Views)-1])
			minute.Views = append(minute.Views, minute.Views[len(minute.Views)-1])
		}
		out.add(&chunk.Chunk{Rows: c.Rows, Cols: []*chunk.Column{c.Cols[bidAuction], c.Cols[bidBidder], c.Cols[bidPrice], c.Cols[bidTime], c.Cols[bidExtra], day, minute}})
	})
}

// loopQ14 keeps a range of prices, names the time of day and counts letters.
func loopQ14(rounds []round, out *sum) {
	o := newOutput(types.Int8, types.Int8, types.Numeric, types.Text, types.Timestamp, types.Text, types.Int4)
	kinds := [3][]byte{[]byte("dayTime"), []byte("nightTime"), []byte("otherTime")}
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		auction, bidder, time := c.Cols[bidAuction].Ints, c.Cols[bidBidder].Ints, c.Cols[bidTime].Ints
		for i, p := range c.Cols[bidPrice].Ints {
			v := 908 * p
			if v <= 1_000_000_000 || v >= 50_000_000_000 {
				continue
			}
			kind := 2
			switch h := time[i] / (3600 * second) % 24; {
			case h >= 8 && h <= 18:
				kind = 0
			case h <= 6 || h >= 20:
				kind = 1
			}
			extra := c.Cols[bidExtra].StringAt(i)
			o.int(0, auction[i])
			o.int(1, bidder[i])
			o.num(2, types.Num{Coef: v, Scale: 3})
			o.c.Cols[3].AppendBytes(kinds[kind])
			o.int(4, time[i])
			o.c.Cols[5].AppendBytes(extra)
			o.int(6, int64(bytes.Count(extra, []byte{'c'})))
			o.c.Rows++
		}
		o.c.Weights = nil
		o.flush(out)
	})
}

// siteID returns the id of a large site.
func siteID(channel []byte) []byte {
	for i, s := range [...]string{"apple", "google", "facebook", "baidu"} {
		if len(channel) == len(s) && bytes.EqualFold(channel, []byte(s)) {
			return []byte{'0' + byte(i)}
		}
	}
	return nil
}

// channelID returns the parameter of a URL, nil where there is none.
func channelID(url []byte) []byte {
	name := []byte("channel_id=")
	for from := 0; ; {
		i := bytes.Index(url[from:], name)
		if i < 0 {
			return nil
		}
		i += from
		if i == 0 || url[i-1] == '&' {
			v := url[i+len(name):]
			if end := bytes.IndexByte(v, '&'); end >= 0 {
				v = v[:end]
			}
			return v
		}
		from = i + 1
	}
}

// loopQ21 adds the channel's id, by name or from the URL.
func loopQ21(rounds []round, out *sum) {
	o := newOutput(types.Int8, types.Int8, types.Int8, types.Text, types.Text)
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		for i := range c.Rows {
			channel := c.Cols[bidChannel].StringAt(i)
			id := siteID(channel)
			if id == nil {
				if id = channelID(c.Cols[bidURL].StringAt(i)); id == nil {
					continue
				}
			}
			o.int(0, c.Cols[bidAuction].Ints[i])
			o.int(1, c.Cols[bidBidder].Ints[i])
			o.int(2, c.Cols[bidPrice].Ints[i])
			o.c.Cols[3].AppendBytes(channel)
			o.c.Cols[4].AppendBytes(id)
			o.c.Rows++
		}
		o.c.Weights = nil
		o.flush(out)
	})
}

// loopQ22 cuts directories out of the URL.
func loopQ22(rounds []round, out *sum) {
	var dirs [3]*chunk.Column
	for k := range dirs {
		dirs[k] = chunk.NewColumn(types.Text, chunk.RowsMax)
	}
	each(rounds, gen.Bid, func(c *chunk.Chunk) {
		url := c.Cols[bidURL]
		for k := range dirs {
			dirs[k].Views, dirs[k].Bytes = dirs[k].Views[:0], url.Bytes
		}
		for _, v := range url.Views {
			at, end := v.Off, v.Off+v.Len
			next := func() chunk.View {
				i := bytes.IndexByte(url.Bytes[at:end], '/')
				if i < 0 {
					i = int(end - at)
				}
				part := chunk.View{Off: at, Len: uint32(i)}
				at = min(at+uint32(i)+1, end)
				return part
			}
			for range 3 {
				next()
			}
			for k := range dirs {
				dirs[k].Views = append(dirs[k].Views, next())
			}
		}
		out.add(&chunk.Chunk{Rows: c.Rows, Cols: []*chunk.Column{c.Cols[bidAuction], c.Cols[bidBidder], c.Cols[bidPrice], c.Cols[bidChannel], dirs[0], dirs[1], dirs[2]}})
	})
}
