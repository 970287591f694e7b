package functions

import (
	"bytes"

	"streamdb/sql/types"
)

// rowValue makes the text of a row, as PostgreSQL's record_out writes it: (1,"a b",).
func rowValue(c *Call) {
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		dst = append(dst, '(')
		for k, a := range c.Args {
			if k > 0 {
				dst = append(dst, ',')
			}
			if c.isNull(k, i) {
				continue
			}
			dst = appendRowField(dst, c.appendText(nil, a, i))
		}
		return append(dst, ')'), nil
	})
}

// appendRowField appends a field of a row, in quotes if it must be.
func appendRowField(dst, s []byte) []byte {
	if len(s) > 0 && !bytes.ContainsAny(s, "\"\\(), \t\n\r\v\f") {
		return append(dst, s...)
	}
	dst = append(dst, '"')
	for _, b := range s {
		if b == '"' || b == '\\' {
			dst = append(dst, b)
		}
		dst = append(dst, b)
	}
	return append(dst, '"')
}

// jsonRow makes the object of row_to_json; its arguments are names and values in turn.
func jsonRow(c *Call) {
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		dst = append(dst, '{')
		for k := 0; k < len(c.Args); k += 2 {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = types.AppendJSONString(dst, string(c.appendText(nil, c.Args[k], i)))
			dst = append(dst, ':')
			if c.isNull(k+1, i) {
				dst = append(dst, "null"...)
				continue
			}
			dst = types.AppendJSONValue(dst, c.Args[k+1].Type, c.datumAt(k+1, i), c.settings())
		}
		return append(dst, '}'), nil
	})
}
