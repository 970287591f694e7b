package types

import (
	"slices"
	"strings"
)

// JSONKind is what a jsonb value is. The order is jsonb's sort order.
type JSONKind uint8

// The kinds of jsonb values.
const (
	JSONNull JSONKind = iota
	JSONString
	JSONNumber
	JSONBool
	JSONArray
	JSONObject
)

// String names the kind as jsonb_typeof does.
func (k JSONKind) String() string {
	return [...]string{"null", "string", "number", "boolean", "array", "object"}[k]
}

// JSONKindOf returns the kind of a canonical jsonb value.
func JSONKindOf(v string) JSONKind {
	if v == "" {
		return JSONNull
	}
	switch v[0] {
	case '{':
		return JSONObject
	case '[':
		return JSONArray
	case '"':
		return JSONString
	case 't', 'f':
		return JSONBool
	case 'n':
		return JSONNull
	}
	return JSONNumber
}

// jsonEnd returns the index behind the canonical value at s[i:]. It stays within s,
// and moves on, whatever s holds.
func jsonEnd(s string, i int) int {
	switch s[i] {
	case '"':
		return jsonStringEnd(s, i)
	case '{', '[':
		depth := 0
		for ; i < len(s); i++ {
			switch s[i] {
			case '"':
				i = jsonStringEnd(s, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return len(s)
	}
	for i < len(s) && s[i] != ',' && s[i] != ']' && s[i] != '}' {
		i++
	}
	return i
}

// jsonBody returns a canonical string between its quotes.
func jsonBody(s string) string {
	if len(s) < 2 {
		return ""
	}
	return s[1 : len(s)-1]
}

func jsonStringEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// JSONIter goes over the members of a canonical object or the elements of a
// canonical array:
//
//	for it := IterJSON(v); it.Next(); {
//		use(it.Key, it.Value)
//	}
//
// Key and Value are parts of v, not copies.
type JSONIter struct {
	// Key is the member's key, quoted and escaped; empty in an array.
	Key string
	// Value is the canonical value.
	Value string
	s     string
	i     int
}

// IterJSON returns an iterator over v; scalars have no elements.
func IterJSON(v string) JSONIter { return JSONIter{s: v} }

// Next steps to the next member or element; false at the end.
func (it *JSONIter) Next() bool {
	s := it.s
	if it.i == 0 {
		if len(s) < 2 || (s[0] != '{' && s[0] != '[') || s[1] == '}' || s[1] == ']' {
			return false
		}
		it.i = 1
	} else {
		if it.i >= len(s) || s[it.i] != ',' {
			return false
		}
		it.i += 2
	}
	if it.i >= len(s) {
		return false
	}
	if s[0] == '{' {
		e := jsonStringEnd(s, it.i)
		it.Key = s[it.i:e]
		it.i = e + 2
	}
	if it.i >= len(s) {
		return false
	}
	e := jsonEnd(s, it.i)
	it.Value = s[it.i:e]
	it.i = e
	return true
}

// KeyText returns the key's text, unescaped.
func (it *JSONIter) KeyText() string {
	if strings.IndexByte(it.Key, '\\') < 0 {
		return jsonBody(it.Key)
	}
	return string(AppendJSONUnescaped(nil, it.Key))
}

// JSONField returns the value of an object's member, false if v is no object or has
// no such key.
func JSONField(v, key string) (string, bool) {
	if JSONKindOf(v) != JSONObject {
		return "", false
	}
	for it := IterJSON(v); it.Next(); {
		if it.keyIs(key) {
			return it.Value, true
		}
	}
	return "", false
}

// keyIs compares the key's text without copying it in the usual case.
func (it *JSONIter) keyIs(key string) bool {
	if strings.IndexByte(it.Key, '\\') < 0 {
		return jsonBody(it.Key) == key
	}
	return it.KeyText() == key
}

// JSONElement returns element i of an array, counted from 0, negative from the end.
func JSONElement(v string, i int) (string, bool) {
	if JSONKindOf(v) != JSONArray {
		return "", false
	}
	if i < 0 {
		if i += JSONLen(v); i < 0 {
			return "", false
		}
	}
	for it := IterJSON(v); it.Next(); i-- {
		if i == 0 {
			return it.Value, true
		}
	}
	return "", false
}

// JSONLen returns the number of members or elements of v, 0 for scalars.
func JSONLen(v string) int {
	n := 0
	for it := IterJSON(v); it.Next(); {
		n++
	}
	return n
}

// AppendJSONText appends v as ->> shows it: strings bare, all else canonical. JSON
// null is SQL NULL there, which the caller sees by JSONKindOf.
func AppendJSONText(dst []byte, v string) []byte {
	if JSONKindOf(v) == JSONString {
		return AppendJSONUnescaped(dst, v)
	}
	return append(dst, v...)
}

// JSONBuilder makes canonical objects and arrays from canonical parts.
type JSONBuilder struct {
	buf   []byte
	parts []jsonPart
	idx   []int // scratch of AppendObject
}

// jsonPart is where a part ends in the buffer, and where its key does.
type jsonPart struct{ key, end int }

// Reset empties the builder.
func (b *JSONBuilder) Reset() { b.buf, b.parts = b.buf[:0], b.parts[:0] }

// Member adds a member; key is plain text, val canonical.
func (b *JSONBuilder) Member(key, val string) {
	b.buf = append(b.buf, key...)
	n := len(b.buf)
	b.buf = append(b.buf, val...)
	b.parts = append(b.parts, jsonPart{n, len(b.buf)})
}

// Element adds an array element.
func (b *JSONBuilder) Element(val string) { b.Member("", val) }

// Len returns the number of parts added.
func (b *JSONBuilder) Len() int { return len(b.parts) }

// part returns key and value of part i.
func (b *JSONBuilder) part(i int) (key, val []byte) {
	from := 0
	if i > 0 {
		from = b.parts[i-1].end
	}
	p := b.parts[i]
	return b.buf[from:p.key], b.buf[p.key:p.end]
}

func (b *JSONBuilder) key(i int) string {
	k, _ := b.part(i)
	return BytesString(k)
}

// AppendObject appends the object of the members; of equal keys the last wins.
func (b *JSONBuilder) AppendObject(dst []byte) []byte {
	b.idx = b.idx[:0]
	for i := range b.parts {
		b.idx = append(b.idx, i)
	}
	idx := b.idx
	slices.SortStableFunc(idx, func(x, y int) int { return compareJSONKeys(b.key(x), b.key(y)) })
	dst = append(dst, '{')
	first := true
	for i, j := range idx {
		if i+1 < len(idx) && b.key(idx[i+1]) == b.key(j) {
			continue
		}
		if !first {
			dst = append(dst, ", "...)
		}
		first = false
		dst = append(AppendJSONString(dst, b.key(j)), ": "...)
		_, v := b.part(j)
		dst = append(dst, v...)
	}
	return append(dst, '}')
}

// AppendArray appends the array of the elements.
func (b *JSONBuilder) AppendArray(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range b.parts {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		_, v := b.part(i)
		dst = append(dst, v...)
	}
	return append(dst, ']')
}

// AppendJSONValue appends a value of any SQL type as to_jsonb converts it.
func AppendJSONValue(dst []byte, t Type, d Datum, st *Settings) []byte {
	if d.Null {
		return append(dst, "null"...)
	}
	switch t.Kind {
	case KindBool:
		if d.I != 0 {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case KindInt2, KindInt4, KindInt8:
		return AppendInt(dst, d.I)
	case KindNumeric:
		if d.N.IsSpecial() {
			return append(AppendText(append(dst, '"'), t, d, st), '"')
		}
		return AppendText(dst, t, d, st)
	case KindFloat4, KindFloat8:
		return appendJSONFloat(dst, t, d)
	case KindJSONB:
		return append(dst, d.S...)
	case KindJSON:
		if b, err := ParseJSONB(dst, d.S); err == nil {
			return b
		}
		return append(dst, "null"...)
	case KindArray:
		return appendJSONArray(dst, t, d.S, st)
	case KindTimestamp, KindTimestampTZ:
		b := AppendText(nil, t, d, &Settings{TimeZone: st.zone()})
		if i := strings.IndexByte(string(b), ' '); i >= 0 && !IsInfTimestamp(d.I) {
			b[i] = 'T'
			if t.Kind == KindTimestampTZ {
				b = appendISOMinutes(b)
			}
		}
		return AppendJSONString(dst, string(b))
	case KindDate:
		return AppendJSONString(dst, string(AppendDate(nil, d.I, DefaultSettings)))
	case KindText, KindVarchar:
		return AppendJSONString(dst, d.S)
	}
	return AppendJSONString(dst, BytesString(AppendText(nil, t, d, st)))
}

// appendISOMinutes completes a trailing ±hh offset to ±hh:00, as JSON output has it.
func appendISOMinutes(b []byte) []byte {
	if n := len(b); b[n-3] == '+' || b[n-3] == '-' {
		return append(b, ":00"...)
	}
	return b
}

// appendJSONFloat writes a float as a number; NaN and infinities become strings.
func appendJSONFloat(dst []byte, t Type, d Datum) []byte {
	start := len(dst)
	dst = AppendText(dst, t, d, DefaultSettings)
	if c := dst[len(dst)-1]; c == 'N' || c == 'y' {
		s := string(dst[start:])
		return AppendJSONString(dst[:start], s)
	}
	if strings.IndexByte(string(dst[start:]), 'e') >= 0 || dst[start] == '-' && len(dst) == start+2 && dst[start+1] == '0' {
		if n, err := ParseDec(string(dst[start:])); err == nil {
			return AppendDec(dst[:start], n)
		}
	}
	return dst
}

func appendJSONArray(dst []byte, t Type, s string, st *Settings) []byte {
	a, ok := ReadArray(t, s)
	if !ok {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	for i := range a.Len() {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = AppendJSONValue(dst, t.ElemType(), a.Datum(i), st)
	}
	return append(dst, ']')
}

// CompareJSONB compares canonical values in the order of jsonb's btree operators:
// Object > Array > Boolean > Number > String > Null, more elements after fewer; by
// an old quirk the empty array comes before every scalar.
func CompareJSONB(a, b string) int {
	ka, kb := JSONKindOf(a), JSONKindOf(b)
	if ka != kb && ka != JSONObject && kb != JSONObject {
		switch {
		case ka == JSONArray:
			if a == "[]" {
				return -1
			}
			return 1
		case kb == JSONArray:
			return -CompareJSONB(b, a)
		}
	}
	return compareJSON(a, b)
}

func compareJSON(a, b string) int {
	ka, kb := JSONKindOf(a), JSONKindOf(b)
	if ka != kb {
		return cmpOrdered(int(ka), int(kb))
	}
	switch ka {
	case JSONString:
		if strings.IndexByte(a, '\\') < 0 && strings.IndexByte(b, '\\') < 0 {
			return strings.Compare(jsonBody(a), jsonBody(b))
		}
		return strings.Compare(jsonUnescaped(a), jsonUnescaped(b))
	case JSONNumber:
		x, _ := ParseDec(a)
		y, _ := ParseDec(b)
		return CmpDec(x, y)
	case JSONBool:
		return strings.Compare(a, b) // false < true
	case JSONArray, JSONObject:
		return compareJSONContainers(a, b)
	}
	return 0
}

func compareJSONContainers(a, b string) int {
	if c := cmpOrdered(JSONLen(a), JSONLen(b)); c != 0 {
		return c
	}
	x, y := IterJSON(a), IterJSON(b)
	for x.Next() && y.Next() {
		if x.Key != y.Key {
			if c := strings.Compare(x.KeyText(), y.KeyText()); c != 0 {
				return c
			}
		}
		if c := compareJSON(x.Value, y.Value); c != 0 {
			return c
		}
	}
	return 0
}

// NormalizeJSONB appends the form in which values equal in SQL are identical:
// numbers without trailing zeros.
func NormalizeJSONB(dst []byte, v string) []byte {
	for i := 0; i < len(v); {
		c := v[i]
		if c == '"' {
			e := jsonStringEnd(v, i)
			dst, i = append(dst, v[i:e]...), e
			continue
		}
		if c == '-' || isDigit(c) {
			e := jsonEnd(v, i)
			num := v[i:e]
			if strings.IndexByte(num, '.') >= 0 {
				num = strings.TrimRight(strings.TrimRight(num, "0"), ".")
			}
			dst, i = append(dst, num...), e
			continue
		}
		dst = append(dst, c)
		i++
	}
	return dst
}
