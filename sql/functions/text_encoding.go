package functions

import (
	"bytes"
	"unicode/utf8"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Text is UTF-8. Conversions know it and LATIN1.

type encoding uint8

const (
	encodingUTF8 encoding = iota
	encodingLatin1
)

// encodingNamed finds an encoding; what says whose name it is in the error: "source ", "destination " or nothing.
func encodingNamed(name []byte, what string) (encoding, error) {
	if isUTF8Name(name) {
		return encodingUTF8, nil
	}
	switch string(bytes.ToUpper(bytes.ReplaceAll(bytes.ReplaceAll(name, []byte("-"), nil), []byte("_"), nil))) {
	case "LATIN1", "ISO88591":
		return encodingLatin1, nil
	case "LATIN2", "LATIN9", "WIN1250", "WIN1251", "WIN1252", "SQLASCII", "KOI8R", "EUCJP", "EUCKR", "EUCCN", "SJIS", "BIG5", "GBK", "GB18030":
		return 0, sqlerr.New(sqlerr.FeatureNotSupported, "encoding \"%s\" is not supported", name)
	}
	return 0, sqlerr.New(sqlerr.InvalidParameterValue, "invalid %sencoding name \"%s\"", what, name)
}

// appendDecoded appends s, in encoding e, as UTF-8.
func appendDecoded(dst, s []byte, e encoding) ([]byte, error) {
	if e == encodingUTF8 {
		if err := types.CheckUTF8(types.BytesString(s)); err != nil {
			return nil, err
		}
		return append(dst, s...), nil
	}
	for _, b := range s {
		if b == 0 {
			return nil, sqlerr.New(sqlerr.CharacterNotInRepertoire, "invalid byte sequence for encoding \"LATIN1\": 0x00")
		}
		dst = utf8.AppendRune(dst, rune(b))
	}
	return dst, nil
}

// appendEncoded appends the UTF-8 text s in encoding e.
func appendEncoded(dst, s []byte, e encoding) ([]byte, error) {
	if e == encodingUTF8 {
		return append(dst, s...), nil
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r > 0xff {
			msg := []byte("character with byte sequence")
			for _, b := range s[:n] {
				msg = append(msg, " 0x"...)
				msg = append(msg, hexDigits[b>>4], hexDigits[b&15])
			}
			return nil, sqlerr.New(sqlerr.UntranslatableCharacter, "%s in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"", msg)
		}
		dst, s = append(dst, byte(r)), s[n:]
	}
	return dst, nil
}

const hexDigits = "0123456789abcdef"

func convertFrom(c *Call) {
	a, b := c.strs(0), c.strs(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		e, err := encodingNamed(b.at(i), "source ")
		if err != nil {
			return nil, err
		}
		return appendDecoded(dst, a.at(i), e)
	})
}

func convertTo(c *Call) {
	a, b := c.strs(0), c.strs(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		e, err := encodingNamed(b.at(i), "destination ")
		if err != nil {
			return nil, err
		}
		return appendEncoded(dst, a.at(i), e)
	})
}

func convertBytes(c *Call) {
	a, from, to := c.strs(0), c.strs(1), c.strs(2)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		src, err := encodingNamed(from.at(i), "source ")
		if err != nil {
			return nil, err
		}
		dest, err := encodingNamed(to.at(i), "destination ")
		if err != nil {
			return nil, err
		}
		text, err := appendDecoded(nil, a.at(i), src)
		if err != nil {
			return nil, err
		}
		return appendEncoded(dst, text, dest)
	})
}

// encodedLength counts the characters of bytes in an encoding.
func encodedLength(c *Call) {
	a, b := c.strs(0), c.strs(1)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		e, err := encodingNamed(b.at(i), "")
		if err != nil {
			return 0, err
		}
		if e == encodingLatin1 {
			return int64(len(a.at(i))), nil
		}
		return int64(utf8.RuneCount(a.at(i))), types.CheckUTF8(types.BytesString(a.at(i)))
	})
}

// toASCII fails, as in a PostgreSQL database in UTF-8.
func toASCII(c *Call) {
	err := sqlerr.New(sqlerr.FeatureNotSupported, "encoding conversion from UTF8 to ASCII not supported")
	for i := range c.N {
		c.Fail(i, err)
	}
}
