package format

import (
	"bytes"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// CopyEncoder writes rows as COPY data in text or CSV format. Weights are not its
// business: every row of a chunk is written once.
type CopyEncoder struct {
	spec Spec
	opt  CopyOptions
	cols []texts
}

// NewCopyEncoder returns an encoder; the options are valid (CopyOptions.Validate).
func NewCopyEncoder(spec Spec, opt CopyOptions) *CopyEncoder {
	return &CopyEncoder{spec: spec, opt: opt, cols: make([]texts, len(spec.Schema))}
}

// AppendHeader writes the header line if the options ask for one.
func (e *CopyEncoder) AppendHeader(dst []byte) []byte {
	if e.opt.Header == HeaderNone {
		return dst
	}
	for j, name := range e.spec.Columns {
		if j > 0 {
			dst = append(dst, e.opt.Delimiter)
		}
		if e.opt.CSV {
			dst = e.appendCSV(dst, []byte(name), false)
		} else {
			dst = e.appendText(dst, []byte(name))
		}
	}
	return append(dst, '\n')
}

// AppendTrailer writes nothing: text ends with its last row.
func (e *CopyEncoder) AppendTrailer(dst []byte) []byte { return dst }

// AppendChunk writes the rows of c. It appends to ends where each row ends in the
// result, so that a caller can send rows one by one.
func (e *CopyEncoder) AppendChunk(dst []byte, c *chunk.Chunk, ends []int) ([]byte, []int, error) {
	for j, col := range c.Cols {
		if err := e.cols[j].encode(col, c.Rows, e.spec.Settings); err != nil {
			return dst, ends, err
		}
	}
	raw := e.rawColumns(c)
	for i := range c.Rows {
		for j := range c.Cols {
			if j > 0 {
				dst = append(dst, e.opt.Delimiter)
			}
			t := &e.cols[j]
			switch {
			case t.nulls.Get(i):
				dst = append(dst, e.opt.Null...)
			case raw[j]:
				dst = append(dst, t.row(i)...)
			case e.opt.CSV:
				dst = e.appendCSV(dst, t.row(i), e.opt.ForceQuoteAll || at(e.opt.ForceQuote, j))
			default:
				dst = e.appendText(dst, t.row(i))
			}
		}
		dst = append(dst, '\n')
		ends = append(ends, len(dst))
	}
	return dst, ends, nil
}

// rawColumns tells for which columns no value can need quoting or escaping.
func (e *CopyEncoder) rawColumns(c *chunk.Chunk) []bool {
	raw := make([]bool, len(c.Cols))
	usual := bytes.IndexByte([]byte("\t,;|"), e.opt.Delimiter) >= 0 && (e.opt.Null == "" || e.opt.Null == `\N`)
	for j, col := range c.Cols {
		if e.opt.CSV && (e.opt.ForceQuoteAll || at(e.opt.ForceQuote, j) || e.opt.Quote != '"') {
			continue
		}
		t := col.Type
		raw[j] = usual && (t.IsNumber() || t.Kind == types.KindBool || t.Kind == types.KindUUID || t.Kind == types.KindDate || t.Kind == types.KindTime)
	}
	return raw
}

// appendText writes a value with backslash escapes.
func (e *CopyEncoder) appendText(dst, s []byte) []byte {
	run := 0
	for i, c := range s {
		if c != '\\' && c != e.opt.Delimiter && (c > '\r' || c < '\b') {
			continue
		}
		dst = append(append(dst, s[run:i]...), '\\')
		run = i + 1
		if c == '\\' || c == e.opt.Delimiter && (c > '\r' || c < '\b') {
			dst = append(dst, c)
		} else {
			dst = append(dst, "btnvfr"[c-'\b'])
		}
	}
	return append(dst, s[run:]...)
}

// appendCSV writes a value, in quotes where CSV needs them.
func (e *CopyEncoder) appendCSV(dst, s []byte, quote bool) []byte {
	quote = quote || types.BytesString(s) == e.opt.Null || len(e.cols) == 1 && string(s) == `\.`
	if !quote {
		for _, c := range s {
			if c == e.opt.Delimiter || c == e.opt.Quote || c == '\n' || c == '\r' {
				quote = true
				break
			}
		}
		if !quote {
			return append(dst, s...)
		}
	}
	dst = append(dst, e.opt.Quote)
	for _, c := range s {
		if c == e.opt.Quote || c == e.opt.Escape {
			dst = append(dst, e.opt.Escape)
		}
		dst = append(dst, c)
	}
	return append(dst, e.opt.Quote)
}
