package types

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"streamdb/sql/sqlerr"
)

// wordKind is what a word in date/time input stands for.
type wordKind uint8

const (
	wordNone wordKind = iota
	wordMonth
	wordWeekday
	wordAMPM
	wordBC
	wordUnit    // y, m, d, h, mm, s, j: what the number next to it is
	wordISOTime // t
	wordNow
	wordToday
	wordYesterday
	wordTomorrow
	wordEpoch
	wordInf
	wordNegInf
	wordIgnore
	wordDST // "dst" behind a zone
	wordAllballs
)

type dateWord struct {
	kind wordKind
	val  int64
}

// Units of wordUnit.
const (
	unitYear = 1 + iota
	unitMonth
	unitDay
	unitHour
	unitMinute
	unitSecond
	unitJulian
)

// dateWords holds the words of PostgreSQL's datetktbl.
var dateWords = func() map[string]dateWord {
	m := map[string]dateWord{
		"now": {wordNow, 0}, "today": {wordToday, 0}, "yesterday": {wordYesterday, 0}, "tomorrow": {wordTomorrow, 0},
		"epoch": {wordEpoch, 0}, "infinity": {wordInf, 0}, "+infinity": {wordInf, 0}, "-infinity": {wordNegInf, 0},
		"am": {wordAMPM, 0}, "pm": {wordAMPM, 1}, "ad": {wordBC, 0}, "bc": {wordBC, 1},
		"allballs": {wordAllballs, 0}, "at": {wordIgnore, 0}, "on": {wordIgnore, 0}, "dst": {wordDST, 1},
		"y": {wordUnit, unitYear}, "m": {wordUnit, unitMonth}, "mm": {wordUnit, unitMinute}, "d": {wordUnit, unitDay},
		"h": {wordUnit, unitHour}, "s": {wordUnit, unitSecond}, "j": {wordUnit, unitJulian}, "jd": {wordUnit, unitJulian},
		"julian": {wordUnit, unitJulian}, "t": {wordISOTime, 0}, "sept": {wordMonth, 9},
	}
	for i, w := range []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"} {
		m[w], m[w[:3]] = dateWord{wordMonth, int64(i + 1)}, dateWord{wordMonth, int64(i + 1)}
	}
	for i, w := range []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"} {
		m[w], m[w[:3]] = dateWord{wordWeekday, int64(i)}, dateWord{wordWeekday, int64(i)}
	}
	for _, w := range []string{"tues", "wednes", "weds", "thur", "thurs"} {
		m[w] = m[w[:3]]
	}
	return m
}()

func isDateWord(w string) bool { _, ok := dateWords[truncWord(w)]; return ok }

// truncWord keeps what PostgreSQL compares of a word.
func truncWord(w string) string {
	if len(w) > 10 {
		return w[:10]
	}
	return w
}

// zoneAbbrevs are the common fixed abbreviations, in hours east of UTC times 60;
// PostgreSQL's "Default" set.
var zoneAbbrevs = map[string]int{
	"utc": 0, "gmt": 0, "ut": 0, "z": 0, "zulu": 0, "wet": 0, "west": 60, "wetdst": 60, "uct": 0,
	"bst": 60, "cet": 60, "cest": 120, "met": 60, "mest": 120, "mez": 60, "mesz": 120, "cetdst": 120, "metdst": 120,
	"eet": 120, "eest": 180, "eetdst": 180, "sast": 120, "msk": 180, "msd": 240, "eat": 180,
	"est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
	"akst": -540, "akdt": -480, "hst": -600, "nst": -210, "ndt": -150, "nft": -210, "ast": -240, "adt": -180,
	"ist": 120, "idt": 180, "jst": 540, "kst": 540, "kdt": 600, "hkt": 480, "sgt": 480, "pht": 480, "cct": 480,
	"ict": 420, "npt": 345, "pkt": 300, "pkst": 360, "bdt": 360, "aest": 600, "aedt": 660, "acst": 570, "acdt": 630,
	"awst": 480, "awsst": 540, "sadt": 630, "cast": 570, "cadt": 630, "nzst": 720, "nzdt": 780, "nzt": 720,
	"brt": -180, "brst": -120, "clst": -180, "art": -180, "gft": -180, "uyt": -180, "uyst": -120, "pyt": -240,
	"azot": -60, "azost": 0, "egt": -60, "egst": 0, "fnt": -120, "fnst": -60, "mut": 240, "retz": 240, "sct": 240,
	"uzt": 300, "lkt": 330, "mmt": 390, "myt": 480, "wast": 120, "chadt": 825, "chast": 765, "chut": 600, "ckt": -600,
	"tot": 780, "wft": 720, "yapt": 600, "pgt": 600, "lmt": 0,
}

// ZoneAbbrev is an abbreviation of a zone that may stand in a timestamp.
type ZoneAbbrev struct {
	Name    string // in lower case
	Minutes int    // east of UTC
	Summer  bool   // daylight saving time
}

// summerAbbrevs is the abbreviations of daylight saving time that do not end in "dst" or "dt".
var summerAbbrevs = map[string]bool{"west": true, "bst": true, "cest": true, "mest": true, "mesz": true, "eest": true, "msd": true,
	"pkst": true, "awsst": true, "brst": true, "clst": true, "uyst": true, "azost": true, "egst": true, "fnst": true}

// ZoneAbbreviations returns the abbreviations in order of name.
func ZoneAbbreviations() []ZoneAbbrev {
	out := make([]ZoneAbbrev, 0, len(zoneAbbrevs))
	for name, m := range zoneAbbrevs {
		summer := summerAbbrevs[name] || strings.HasSuffix(name, "dst") || strings.HasSuffix(name, "dt")
		out = append(out, ZoneAbbrev{name, m, summer})
	}
	slices.SortFunc(out, func(a, b ZoneAbbrev) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// zoneCache remembers zones by the spelling given, up to a bound, since spellings
// come from outside.
var (
	zoneCache   sync.Map // string → *time.Location
	zonesCached atomic.Int64
)

const zonesCachedMax = 4096

// LoadZone finds a time zone by IANA name (any case), abbreviation, "UTC", or a
// numeric or POSIX offset, as SET TimeZone and AT TIME ZONE take it. A bare number
// counts hours east; a sign behind a name counts hours west, as POSIX has it.
func LoadZone(name string) (*time.Location, error) {
	if v, ok := zoneCache.Load(name); ok {
		return v.(*time.Location), nil
	}
	loc := findZone(name)
	if loc == nil {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "time zone \"%s\" not recognized", name)
	}
	if zonesCached.Add(1) < zonesCachedMax {
		zoneCache.Store(name, loc)
	}
	return loc, nil
}

func findZone(name string) *time.Location {
	t := strings.TrimSpace(name)
	low := strings.ToLower(t)
	switch low {
	case "":
		return nil
	case "utc", "gmt", "z", "zulu", "uct", "etc/utc", "default":
		return time.UTC
	case "localtime", "local":
		return nil
	}
	if m, ok := zoneAbbrevs[low]; ok {
		return time.FixedZone(strings.ToUpper(t), m*60)
	}
	if loc := loadIANA(low); loc != nil {
		return loc
	}
	return offsetZone(t)
}

// offsetZone reads "+05:30", "-8", and POSIX "EST5", "UTC-3", "<+03>-3".
func offsetZone(t string) *time.Location {
	n := strings.IndexAny(t, "+-0123456789")
	if strings.HasPrefix(t, "<") {
		if n = strings.IndexByte(t, '>') + 1; n == 0 {
			return nil
		}
	}
	if n < 0 || n >= len(t) {
		return nil
	}
	num := t[n:]
	if isDigit(num[0]) {
		num = "+" + num
	}
	off, ok := parseOffset(num)
	if !ok {
		return nil
	}
	if n == 0 {
		return time.FixedZone("", int(off))
	}
	if n < 3 {
		return nil
	}
	return time.FixedZone(strings.Trim(t[:n], "<>"), int(-off))
}

// parseOffset reads ±hh[:mm[:ss]] or ±hhmm[ss], in seconds east of UTC.
func parseOffset(s string) (int64, bool) {
	if len(s) < 2 || (s[0] != '+' && s[0] != '-') {
		return 0, false
	}
	var part [3]int64
	body := s[1:]
	if !strings.Contains(body, ":") {
		switch len(body) {
		case 1, 2:
			part[0] = atoi(body)
		case 3, 4:
			part[0], part[1] = atoi(body[:len(body)-2]), atoi(body[len(body)-2:])
		case 5, 6:
			part[0], part[1], part[2] = atoi(body[:len(body)-4]), atoi(body[len(body)-4:len(body)-2]), atoi(body[len(body)-2:])
		default:
			return 0, false
		}
	} else {
		fs := strings.Split(body, ":")
		if len(fs) > 3 {
			return 0, false
		}
		for i, f := range fs {
			part[i] = atoi(f)
		}
	}
	if part[0] < 0 || part[1] < 0 || part[2] < 0 || part[0] > 15 || part[1] > 59 || part[2] > 59 {
		return 0, false
	}
	off := part[0]*3600 + part[1]*60 + part[2]
	if s[0] == '-' {
		off = -off
	}
	return off, true
}

// atoi reads 1 to 9 digits; anything else is -1.
func atoi(s string) int64 {
	if s == "" || len(s) > 9 {
		return -1
	}
	v := int64(0)
	for i := range len(s) {
		if !isDigit(s[i]) {
			return -1
		}
		v = v*10 + int64(s[i]-'0')
	}
	return v
}
