package functions

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// numFormat is a parsed number format: what to_char and to_number go by.
type numFormat struct {
	src         string
	valid       bool
	toks        []string // 9 0 . , D G V S MI PL SG PR L TH th B FM RN rn EEEE or a literal, prefixed by "
	pre, post   int      // digits before and behind the point
	zeroAt      int      // index of the first 0 among the digits before the point, -1 for none
	zeroPost    int      // digits behind the point that are always shown under FM
	fm          bool
	roman       string
	eeee        bool
	v           int // digits behind V
	hasV, point bool
	signed      bool // has S, MI, SG or PR
	sign        string
	signFirst   bool
	err         error
}

var numWords = []string{"EEEE", "FM", "MI", "PL", "PR", "RN", "SG", "SP", "TH", "B", "C", "D", "G", "L", "S", "V"}

func parseNumFormat(f string) *numFormat {
	n := &numFormat{src: f, valid: true, zeroAt: -1}
	for f != "" {
		if f[0] == '"' {
			end, text := quotedText(f)
			n.toks = append(n.toks, `"`+text)
			f = f[end:]
			continue
		}
		tok := ""
		up := strings.ToUpper(f[:min(4, len(f))])
		for _, w := range numWords {
			if strings.HasPrefix(up, w) {
				tok = f[:len(w)]
				break
			}
		}
		if tok == "" {
			tok = f[:1]
			if !strings.Contains("09.,", tok) {
				tok = `"` + tok
				f = f[1:]
				n.toks = append(n.toks, tok)
				continue
			}
		}
		f = f[len(tok):]
		n.add(tok)
	}
	return n
}

func (n *numFormat) add(tok string) {
	switch up := strings.ToUpper(tok); up {
	case "9", "0":
		switch {
		case n.hasV:
			if n.v++; n.v > 18 {
				n.err = sqlerr.New(sqlerr.ProgramLimitExceeded, "more than 18 digits behind \"V\" are not supported")
			}
		case n.point:
			n.post++
			if up == "0" {
				n.zeroPost = n.post
			}
		default:
			if up == "0" && n.zeroAt < 0 {
				n.zeroAt = n.pre
			}
			n.pre++
		}
	case ".", "D":
		if n.point {
			n.err = sqlerr.New(sqlerr.SyntaxError, "multiple decimal points")
		}
		n.point = true
		n.checkV()
	case "V":
		n.hasV = true
		n.checkV()
	case "FM":
		n.fm = true
		return
	case "B":
		return
	case "RN":
		n.roman = tok
	case "EEEE":
		n.eeee = true
		return
	case "S", "MI", "SG", "PR":
		n.signed, n.sign = true, up
		n.signFirst = n.pre == 0 && !n.point
	}
	n.toks = append(n.toks, tok)
}

// checkV refuses what cannot be combined with V, and more digits behind it than
// bigint has.
func (n *numFormat) checkV() {
	if n.hasV && n.point {
		n.err = sqlerr.New(sqlerr.SyntaxError, "cannot use \"V\" and decimal point together")
	}
}

func (c *Call) numFormat(f []byte) *numFormat {
	n, _ := c.State.(*numFormat)
	if n == nil || n.src != string(f) {
		n = parseNumFormat(string(f))
		c.State = n
	}
	return n
}

func toCharNumber(c *Call) {
	f := c.strs(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		n := c.numFormat(f.at(i))
		if n.err != nil {
			return nil, n.err
		}
		return n.format(dst, c, i)
	})
}

// decimal returns the argument as a decimal; special marks NaN and infinities.
func (c *Call) decimal(i int) (d types.Dec, f float64, isFloat bool) {
	switch c.Args[0].Type.Class() {
	case types.ClassInt:
		return types.DecInt(c.ints(0).at(i)), 0, false
	case types.ClassNumeric:
		return c.nums(0).dec(i), 0, false
	}
	f = c.floats(0).at(i)
	if c.Args[0].Type.Kind == types.KindFloat4 {
		d, _ = types.DecFromFloat4(f)
	} else {
		d, _ = types.DecFromFloat8(f)
	}
	return d, f, true
}

func (n *numFormat) format(dst []byte, c *Call, i int) ([]byte, error) {
	d, f, isFloat := c.decimal(i)
	if n.roman != "" {
		return n.romanNumber(dst, d), nil
	}
	if n.eeee {
		return n.scientific(dst, d, f, isFloat), nil
	}
	var digits string
	neg := false
	if d.N.IsSpecial() || isFloat && (f != f || isInf(f)) {
		neg = d.N.Form == types.NumNegInf || f < 0
		name := "Infinity"
		if d.N.Form == types.NumNaN || f != f {
			name = "NaN"
		}
		return n.special(dst, name, neg), nil
	}
	if n.hasV {
		p, err := types.MulDec(d, types.DecInt(int64(math.Pow10(n.v))))
		if err != nil {
			return nil, err
		}
		d = p
	}
	r, err := types.RoundDec(d, int32(n.post))
	if err != nil {
		return nil, err
	}
	digits = r.String()
	digits, neg = strings.CutPrefix(digits, "-")
	whole, frac, _ := strings.Cut(digits, ".")
	if whole == "0" {
		whole = ""
	}
	width := n.pre + n.v
	if len(whole) > width {
		whole, frac = strings.Repeat("#", width), strings.Repeat("#", n.post)
	}
	return n.layout(dst, whole, frac, neg && strings.Trim(digits, "0.") != ""), nil
}

// special lays out NaN and the infinities, which do not fit fewer digits.
func (n *numFormat) special(dst []byte, name string, neg bool) []byte {
	whole := name
	if len(whole) > n.pre {
		whole = strings.Repeat("#", n.pre)
	}
	return n.layout(dst, whole, strings.Repeat(" ", n.post), neg)
}

// layout writes the digits by the format's tokens.
func (n *numFormat) layout(dst []byte, whole, frac string, neg bool) []byte {
	if n.fm {
		for len(frac) > n.zeroPost && strings.HasSuffix(frac, "0") {
			frac = frac[:len(frac)-1]
		}
	}
	width := n.pre + n.v
	start := width - len(whole) // index of the first digit to show
	if n.zeroAt >= 0 {
		start = min(start, n.zeroAt)
	} else if whole == "" && (!n.point || n.fm && frac == "") || n.pre > 0 && whole == "" && n.post == 0 {
		start = width - 1
	}
	padded := strings.Repeat("0", max(width-len(whole), 0)) + whole
	w := &numWriter{n: n, neg: neg, whole: padded, frac: frac, start: start, out: dst}
	for _, t := range n.toks {
		w.token(t)
	}
	w.close()
	return w.out
}

// numWriter is the state of laying out one number.
type numWriter struct {
	n           *numFormat
	neg         bool
	whole, frac string
	start       int
	pos, fpos   int
	signDone    bool
	point       bool
	out         []byte
}

// putSign writes the sign that stands directly before the first digit.
func (w *numWriter) putSign() {
	if w.signDone {
		return
	}
	w.signDone = true
	switch {
	case w.n.sign == "S" && w.n.signFirst:
		w.out = append(w.out, signChar(int64(1-2*boolInt(w.neg))))
	case w.n.sign == "PR":
		if w.neg {
			w.out = append(w.out, '<')
		} else if !w.n.fm {
			w.out = append(w.out, ' ')
		}
	case !w.n.signed:
		if w.neg {
			w.out = append(w.out, '-')
		} else if !w.n.fm {
			w.out = append(w.out, ' ')
		}
	}
}

func (w *numWriter) token(t string) {
	switch up := strings.ToUpper(t); up {
	case "9", "0":
		w.digit()
	case ".", "D":
		if w.pos <= w.start && w.start >= len(w.whole) {
			w.putSign()
		}
		w.putSign()
		w.point = true
		if w.n.fm && w.frac == "" && w.n.zeroPost == 0 && w.n.post > 0 {
			w.out = append(w.out, '.')
			return
		}
		w.out = append(w.out, '.')
	case ",", "G":
		if w.pos > w.start {
			w.out = append(w.out, ',')
		} else if !w.n.fm {
			w.out = append(w.out, ' ')
		}
	case "L":
		if !w.n.fm {
			w.out = append(w.out, ' ')
		}
	case "S":
		if !w.n.signFirst {
			w.out = append(w.out, signChar(int64(1-2*boolInt(w.neg))))
		}
	case "MI", "PL", "SG":
		w.signWord(up)
	case "TH":
		if !w.neg && w.frac == "" && !w.n.point {
			w.out = appendOrdinal(w.out, []byte(w.whole), t)
		}
	case "PR", "V", "RN", "SP", "C":
	default:
		w.out = append(w.out, strings.TrimPrefix(t, `"`)...)
	}
}

func (w *numWriter) signWord(up string) {
	switch {
	case up == "SG":
		w.out = append(w.out, signChar(int64(1-2*boolInt(w.neg))))
	case (up == "MI") == w.neg:
		w.out = append(w.out, map[string]byte{"MI": '-', "PL": '+'}[up])
	case !w.n.fm:
		w.out = append(w.out, ' ')
	}
}

func (w *numWriter) digit() {
	if w.point && !w.n.hasV {
		if w.fpos < len(w.frac) {
			w.out = append(w.out, w.frac[w.fpos])
		}
		w.fpos++
		return
	}
	if w.pos < w.start {
		if !w.n.fm {
			w.out = append(w.out, ' ')
		}
		w.pos++
		return
	}
	if w.pos >= len(w.whole) {
		return
	}
	w.putSign()
	w.out = append(w.out, w.whole[w.pos])
	w.pos++
}

func (w *numWriter) close() {
	if w.n.sign == "PR" {
		if w.neg {
			w.out = append(w.out, '>')
		} else if !w.n.fm {
			w.out = append(w.out, ' ')
		}
	}
}

var romanDigits = []struct {
	v int64
	s string
}{{1000, "M"}, {900, "CM"}, {500, "D"}, {400, "CD"}, {100, "C"}, {90, "XC"}, {50, "L"}, {40, "XL"}, {10, "X"}, {9, "IX"}, {5, "V"}, {4, "IV"}, {1, "I"}}

func (n *numFormat) romanNumber(dst []byte, d types.Dec) []byte {
	r, _ := types.RoundDec(d, 0)
	v, err := types.DecToInt8(r)
	s := strings.Repeat("#", 15)
	if err == nil && v > 0 && v < 4000 {
		s = ""
		for _, x := range romanDigits {
			for v >= x.v {
				s, v = s+x.s, v-x.v
			}
		}
	}
	if n.roman == strings.ToLower(n.roman) {
		s = strings.ToLower(s)
	}
	if n.fm {
		return append(dst, s...)
	}
	return fmt.Appendf(dst, "%15s", s)
}

func (n *numFormat) scientific(dst []byte, d types.Dec, f float64, isFloat bool) []byte {
	if !isFloat {
		f, _ = types.DecToFloat8(d)
	}
	if f != f || isInf(f) {
		return append(append(dst, ' '), strings.ReplaceAll(strings.Repeat("#", n.pre+n.post+4), "##", "##")...)
	}
	s := strconv.FormatFloat(f, 'e', n.post, 64)
	if !strings.HasPrefix(s, "-") && !n.fm {
		s = " " + s
	}
	return append(dst, s...)
}

var errNumberText = "invalid input syntax for type numeric: \"%s\""

// toNumber keeps the digits, the sign and the point that the format expects.
func toNumber(c *Call) {
	a, f := c.strs(0), c.strs(1)
	c.eachDec(func(i int) (types.Dec, error) {
		n := c.numFormat(f.at(i))
		if n.err != nil {
			return types.Dec{}, n.err
		}
		if n.roman != "" || n.eeee {
			return types.Dec{}, sqlerr.New(sqlerr.FeatureNotSupported, "\"%s\" not supported for input", strings.ToUpper(n.roman + "EEEE")[:max(2*boolInt(n.roman != ""), 4*boolInt(n.eeee))])
		}
		s := n.strip(string(a.at(i)))
		if s == "" || s == "-" {
			return types.Dec{}, sqlerr.New(sqlerr.InvalidTextRepresentation, errNumberText, " ")
		}
		d, err := types.ParseDec(s)
		if err != nil {
			return d, err
		}
		if n.hasV {
			return types.DivDec(d, types.DecInt(int64(math.Pow10(n.v))))
		}
		return types.RoundDec(d, int32(n.post))
	})
}

// strip leaves of s what is part of the number, by walking along the format.
func (n *numFormat) strip(s string) string {
	var b strings.Builder
	neg := strings.ContainsAny(s, "-<")
	digits, seen, behind := 0, false, 0
	for k := 0; k < len(s); k++ {
		switch ch := s[k]; {
		case ch >= '0' && ch <= '9' && !seen && digits < n.pre+n.v:
			b.WriteByte(ch)
			digits++
		case ch >= '0' && ch <= '9' && seen && behind < n.post:
			b.WriteByte(ch)
			behind++
		case ch == '.' && n.point && !seen:
			b.WriteByte('.')
			seen = true
		}
	}
	r := b.String()
	if r == "" || r == "." {
		return ""
	}
	if neg {
		r = "-" + r
	}
	return r
}
