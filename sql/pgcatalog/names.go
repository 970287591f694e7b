package pgcatalog

import (
	_ "embed"
	"slices"
	"strings"
	"time"

	"streamdb/sql/types"
)

// keywordsText is PostgreSQL 15's key words, a line for each kind: the kind's letter, "-" if a bare label needs AS.
//
//go:embed keywords.txt
var keywordsText string

// keywordKinds is what the letters mean.
var keywordKinds = map[byte]string{
	'U': "unreserved", 'C': "unreserved (cannot be function or type name)",
	'T': "reserved (can be function or type name)", 'R': "reserved",
}

// keywords fills streamdb.keywords, which pg_get_keywords() returns.
func keywords(w *writer) {
	type keyword struct {
		word string
		row  row
	}
	var all []keyword
	for line := range strings.Lines(keywordsText) {
		words := strings.Fields(line)
		kind, bare := words[0][0], !strings.HasSuffix(words[0], "-")
		desc := "requires AS"
		if bare {
			desc = "can be bare label"
		}
		for _, word := range words[1:] {
			all = append(all, keyword{word, row{"word": word, "catcode": string(kind), "barelabel": bare, "catdesc": keywordKinds[kind], "baredesc": desc}})
		}
	}
	slices.SortFunc(all, func(a, b keyword) int { return strings.Compare(a.word, b.word) })
	for _, k := range all {
		w.add(k.row)
	}
}

// pgTimezoneNames fills pg_timezone_names: the zones as they are now.
func pgTimezoneNames(w *writer) {
	now := time.Now()
	names := types.ZoneNames()
	slices.Sort(names)
	for _, name := range names {
		loc, err := types.LoadZone(name)
		if err != nil {
			continue
		}
		at := now.In(loc)
		abbrev, off := at.Zone()
		w.add(row{"name": name, "abbrev": abbrev, "utc_offset": seconds(off), "is_dst": at.IsDST()})
	}
}

// pgTimezoneAbbrevs fills pg_timezone_abbrevs.
func pgTimezoneAbbrevs(w *writer) {
	for _, z := range types.ZoneAbbreviations() {
		w.add(row{"abbrev": strings.ToUpper(z.Name), "utc_offset": seconds(z.Minutes * 60), "is_dst": z.Summer})
	}
}

func seconds(n int) types.Interval { return types.Interval{Micros: int64(n) * types.MicrosPerSecond} }
