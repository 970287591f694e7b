package functions

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
)

func textCodeFuncs() []*Function {
	md5Text := func(dst, s []byte) []byte { h := md5.Sum(s); return hex.AppendEncode(dst, h[:]) }
	return []*Function{
		scalar("ascii", "text->int4", asciiText), scalar("chr", "int4->text", chrText),
		scalar("to_hex", "int4->text", toHex(32)), scalar("to_hex", "int8->text", toHex(64)),
		scalar("md5", "text->text", bytesFn(md5Text)), scalar("md5", "bytea->text", bytesFn(md5Text)),
		scalar("sha224", "bytea->bytea", bytesFn(func(d, s []byte) []byte { h := sha256.Sum224(s); return append(d, h[:]...) })),
		scalar("sha256", "bytea->bytea", bytesFn(func(d, s []byte) []byte { h := sha256.Sum256(s); return append(d, h[:]...) })),
		scalar("sha384", "bytea->bytea", bytesFn(func(d, s []byte) []byte { h := sha512.Sum384(s); return append(d, h[:]...) })),
		scalar("sha512", "bytea->bytea", bytesFn(func(d, s []byte) []byte { h := sha512.Sum512(s); return append(d, h[:]...) })),
		scalar("encode", "bytea,text->text", encodeBytes), scalar("decode", "text,text->bytea", decodeText),
		scalar("convert_from", "bytea,name->text", convertFrom), scalar("convert_to", "text,name->bytea", convertTo),
		scalar("convert", "bytea,name,name->bytea", convertBytes), scalar("length", "bytea,name->int4", encodedLength),
		scalar("to_ascii", "text->text", toASCII),
		scalar("parse_ident", "text->text[]", parseIdent), scalar("parse_ident", "text,bool->text[]", parseIdent),
	}
}

func asciiText(c *Call) {
	a, out := c.strs(0), c.Out.Ints
	for i := range out {
		if s := a.at(i); len(s) > 0 {
			r, _ := utf8.DecodeRune(s)
			out[i] = int64(r)
		}
	}
}

func chrText(c *Call) {
	a := c.ints(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		r := a.at(i)
		switch {
		case r < 0:
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "character number must be positive")
		case r == 0:
			return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "null character not permitted")
		case r > utf8.MaxRune:
			return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "requested character too large for encoding: %d", r)
		case !utf8.ValidRune(rune(r)):
			return nil, sqlerr.New(sqlerr.ProgramLimitExceeded, "requested character not valid for encoding: %d", r)
		}
		return utf8.AppendRune(dst, rune(r)), nil
	})
}

func toHex(bits int) Kernel {
	return func(c *Call) {
		a := c.ints(0)
		for i := range c.N {
			v := uint64(a.at(i))
			if bits == 32 {
				v = uint64(uint32(v))
			}
			off := len(c.Out.Bytes)
			c.Out.Bytes = strconv.AppendUint(c.Out.Bytes, v, 16)
			c.endBytes(i, off)
		}
	}
}

func badEncoding(s []byte) error {
	return sqlerr.New(sqlerr.InvalidParameterValue, "unrecognized encoding: \"%s\"", s)
}

func encodeBytes(c *Call) {
	a, b := c.strs(0), c.strs(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		s := a.at(i)
		switch string(appendLower(nil, b.at(i))) {
		case "hex":
			return hex.AppendEncode(dst, s), nil
		case "base64":
			return appendBase64(dst, s), nil
		case "escape":
			return appendEscape(dst, s), nil
		}
		return nil, badEncoding(b.at(i))
	})
}

// appendBase64 breaks lines after 76 characters, as PostgreSQL does.
func appendBase64(dst, s []byte) []byte {
	e := base64.StdEncoding.AppendEncode(nil, s)
	for len(e) > 76 {
		dst, e = append(append(dst, e[:76]...), '\n'), e[76:]
	}
	return append(dst, e...)
}

func appendEscape(dst, s []byte) []byte {
	for _, b := range s {
		switch {
		case b == 0 || b >= 0x80:
			dst = append(dst, '\\', '0'+b>>6, '0'+b>>3&7, '0'+b&7)
		case b == '\\':
			dst = append(dst, '\\', '\\')
		default:
			dst = append(dst, b)
		}
	}
	return dst
}

func decodeText(c *Call) {
	a, b := c.strs(0), c.strs(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		s := a.at(i)
		switch string(appendLower(nil, b.at(i))) {
		case "hex":
			return decodeHex(dst, s)
		case "base64":
			return decodeBase64(dst, s)
		case "escape":
			return decodeEscape(dst, s)
		}
		return nil, badEncoding(b.at(i))
	})
}

func decodeHex(dst, s []byte) ([]byte, error) {
	var digits []byte
	for len(s) > 0 {
		r, w := utf8.DecodeRune(s)
		switch {
		case r == ' ' || r == '\n' || r == '\t' || r == '\r':
		case w == 1 && isHex(s[0]):
			digits = append(digits, s[0])
		default:
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal digit: \"%s\"", s[:w])
		}
		s = s[w:]
	}
	if len(digits)%2 != 0 {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal data: odd number of digits")
	}
	out, err := hex.AppendDecode(dst, digits)
	if err != nil {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid hexadecimal data")
	}
	return out, nil
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}

func decodeBase64(dst, s []byte) ([]byte, error) {
	var clean []byte
	for len(s) > 0 {
		r, w := utf8.DecodeRune(s)
		b := s[0]
		switch {
		case r == ' ' || r == '\n' || r == '\t' || r == '\r':
		case b == '=' || b == '+' || b == '/' || b < 128 && isAlnum(rune(b)):
			clean = append(clean, b)
		default:
			return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid symbol \"%s\" found while decoding base64 sequence", s[:w])
		}
		s = s[w:]
	}
	out, err := base64.StdEncoding.AppendDecode(dst, clean)
	if err != nil {
		return nil, sqlerr.New(sqlerr.InvalidParameterValue, "invalid base64 end sequence").
			WithHint("Input data is missing padding, is truncated, or is otherwise corrupted.")
	}
	return out, nil
}

func decodeEscape(dst, s []byte) ([]byte, error) {
	bad := sqlerr.New(sqlerr.InvalidTextRepresentation, "invalid input syntax for type %s", "bytea")
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '\\':
			dst = append(dst, s[i])
		case i+1 < len(s) && s[i+1] == '\\':
			dst = append(dst, '\\')
			i++
		case i+3 < len(s) && s[i+1] >= '0' && s[i+1] <= '3' && isOctal(s[i+2]) && isOctal(s[i+3]):
			dst = append(dst, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			return nil, bad
		}
	}
	return dst, nil
}

func isOctal(b byte) bool { return b >= '0' && b <= '7' }

func isUTF8Name(b []byte) bool {
	switch string(appendUpper(nil, b)) {
	case "UTF8", "UTF-8", "UNICODE":
		return true
	}
	return false
}
