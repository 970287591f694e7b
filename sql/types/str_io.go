package types

import (
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
)

// NameLenMax is the longest name in bytes; longer ones are cut.
const NameLenMax = 63

// CheckUTF8 raises 22021 unless s is valid UTF-8 without NUL.
func CheckUTF8(s string) error {
	if i := strings.IndexByte(s, 0); i >= 0 && utf8.ValidString(s[:i]) {
		return errEncoding(s[i : i+1])
	}
	if utf8.ValidString(s) {
		return nil
	}
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n <= 1 {
			return errEncoding(badSequence(s[i:]))
		}
		i += n
	}
	return nil
}

// badSequence returns the bytes PostgreSQL shows: as many as the lead byte announces.
func badSequence(s string) string {
	n := 1
	switch c := s[0]; {
	case c&0xe0 == 0xc0:
		n = 2
	case c&0xf0 == 0xe0:
		n = 3
	case c&0xf8 == 0xf0:
		n = 4
	}
	return s[:min(n, len(s))]
}

func errEncoding(seq string) error {
	var b strings.Builder
	for i := range len(seq) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString("0x")
		b.WriteString(hex.EncodeToString([]byte{seq[i]}))
	}
	return sqlerr.New(sqlerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"UTF8\": %s", b.String())
}

// runePrefix returns the length in bytes of the first n characters of s, and
// whether s has no more than n.
func runePrefix(s string, n int) (int, bool) {
	if len(s) <= n {
		return len(s), true
	}
	i := 0
	for i < len(s) && n > 0 {
		_, w := utf8.DecodeRuneInString(s[i:])
		i += w
		n--
	}
	return i, i == len(s)
}

// CoerceVarchar makes s fit varchar(n) given as typmod: trailing blanks beyond n go
// silently, anything else beyond it is 22001, or cut too in an explicit cast. The
// result is a prefix of s.
func CoerceVarchar(s string, typmod int32, explicit bool) (string, error) {
	if typmod < 4 {
		return s, nil
	}
	k, fits := runePrefix(s, int(typmod-4))
	if !fits && !explicit && strings.Trim(s[k:], " ") != "" {
		return "", sqlerr.New(sqlerr.StringDataRightTruncation, "value too long for type character varying(%d)", typmod-4)
	}
	return s[:k], nil
}

// CoerceBPChar makes s fit char(n) given as typmod: blanks fill it up to n
// characters; what lies beyond is treated as CoerceVarchar does.
func CoerceBPChar(s string, typmod int32, explicit bool) (string, error) {
	if typmod < 4 {
		return s, nil
	}
	n := int(typmod - 4)
	k, fits := runePrefix(s, n)
	if !fits {
		if !explicit && strings.Trim(s[k:], " ") != "" {
			return "", sqlerr.New(sqlerr.StringDataRightTruncation, "value too long for type character(%d)", n)
		}
		return s[:k], nil
	}
	if pad := n - utf8.RuneCountInString(s); pad > 0 {
		return s + strings.Repeat(" ", pad), nil
	}
	return s, nil
}

// TrimBPChar cuts the blanks char(n) is padded with.
func TrimBPChar(s string) string {
	for s != "" && s[len(s)-1] == ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// TruncName cuts s to the length of a name at a character's boundary.
func TruncName(s string) string {
	if len(s) <= NameLenMax {
		return s
	}
	k := NameLenMax
	for k > 0 && !utf8.RuneStart(s[k]) {
		k--
	}
	return s[:k]
}

// AppendQChar writes a "char" value: one byte, beyond ASCII as \ooo, NUL as nothing.
func AppendQChar(dst []byte, s string) []byte {
	if s == "" || s[0] == 0 {
		return dst
	}
	if c := s[0]; c >= 0x80 {
		return append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
	}
	return append(dst, s[0])
}

// ParseQChar reads a "char" value: the first byte, or \ooo.
func ParseQChar(s string) string {
	if len(s) == 4 && s[0] == '\\' && isOctal(s[1]) && isOctal(s[2]) && isOctal(s[3]) {
		return string([]byte{(s[1]-'0')<<6 | (s[2]-'0')<<3 | (s[3] - '0')})
	}
	if s == "" {
		return "\x00"
	}
	return s[:1]
}

func isOctal(c byte) bool { return c >= '0' && c <= '7' }

// AppendBytea writes bytes in hex or escape format.
func AppendBytea(dst []byte, b string, escape bool) []byte {
	const digits = "0123456789abcdef"
	if !escape {
		dst = append(dst, '\\', 'x')
		for i := range len(b) {
			dst = append(dst, digits[b[i]>>4], digits[b[i]&15])
		}
		return dst
	}
	for i := range len(b) {
		switch c := b[i]; {
		case c == '\\':
			dst = append(dst, '\\', '\\')
		case c < 0x20 || c > 0x7e:
			dst = append(dst, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// ParseBytea appends the bytes that s, in hex or escape format, stands for.
func ParseBytea(dst []byte, s string) ([]byte, error) {
	if len(s) >= 2 && s[0] == '\\' && s[1] == 'x' {
		return parseHex(dst, s[2:])
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		switch {
		case i+1 < len(s) && s[i+1] == '\\':
			dst = append(dst, '\\')
			i++
		case i+3 < len(s) && s[i+1] >= '0' && s[i+1] <= '3' && isOctal(s[i+2]) && isOctal(s[i+3]):
			dst = append(dst, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			return nil, sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type bytea")
		}
	}
	return dst, nil
}

func parseHex(dst []byte, s string) ([]byte, error) {
	for i := 0; i < len(s); i++ {
		if isSpace(s[i]) {
			continue
		}
		hi, ok := hexValue(s[i])
		if !ok {
			return nil, errHexDigit(s[i:])
		}
		i++
		if i == len(s) {
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal data: odd number of digits")
		}
		lo, ok := hexValue(s[i])
		if !ok {
			return nil, errHexDigit(s[i:])
		}
		dst = append(dst, hi<<4|lo)
	}
	return dst, nil
}

func errHexDigit(s string) error {
	_, n := utf8.DecodeRuneInString(s)
	return sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal digit: \"%s\"", s[:n])
}

func hexValue(c byte) (byte, bool) {
	switch {
	case c-'0' <= 9:
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// AppendUUID writes a uuid.
func AppendUUID(dst []byte, u [16]byte) []byte {
	var b [36]byte
	hex.Encode(b[0:8], u[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], u[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], u[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], u[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], u[10:16])
	return append(dst, b[:]...)
}

// ParseUUID reads a uuid: braces around it and a hyphen after any group of four
// digits are allowed.
func ParseUUID(s string) (u [16]byte, err error) {
	t := s
	if t != "" && t[0] == '{' {
		if t[len(t)-1] != '}' {
			return u, errSyntax("uuid", s)
		}
		t = t[1 : len(t)-1]
	}
	for i := range 16 {
		if len(t) < 2 {
			return u, errSyntax("uuid", s)
		}
		hi, ok1 := hexValue(t[0])
		lo, ok2 := hexValue(t[1])
		if !ok1 || !ok2 {
			return u, errSyntax("uuid", s)
		}
		u[i], t = hi<<4|lo, t[2:]
		if i%2 == 1 && i < 15 && t != "" && t[0] == '-' {
			t = t[1:]
		}
	}
	if t != "" {
		return u, errSyntax("uuid", s)
	}
	return u, nil
}
