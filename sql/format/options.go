package format

import (
	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Header says what the first line of COPY data is.
type Header uint8

// The headers.
const (
	HeaderNone  Header = iota
	HeaderTrue         // column names: written, or read and skipped
	HeaderMatch        // column names that must be those of the columns
)

// CopyOptions are the options of COPY.
type CopyOptions struct {
	// Binary is the format without options; CSV tells CSV from text.
	Binary    bool
	CSV       bool
	Delimiter byte
	Null      string
	Header    Header
	Quote     byte // CSV only
	Escape    byte // CSV only
	// ForceQuoteAll quotes every value that is not NULL in output.
	ForceQuoteAll bool
	// ForceQuote, ForceNull and ForceNotNull go by column; nil means none.
	ForceQuote, ForceNull, ForceNotNull []bool
}

// DefaultCopy returns COPY's defaults for text or CSV.
func DefaultCopy(csv bool) CopyOptions {
	if csv {
		return CopyOptions{CSV: true, Delimiter: ',', Quote: '"', Escape: '"'}
	}
	return CopyOptions{Delimiter: '\t', Null: `\N`}
}

// Validate raises PostgreSQL's errors for options that do not go together.
func (o *CopyOptions) Validate() error {
	bad := func(format string, args ...any) error {
		return sqlerr.New(sqlerr.InvalidParameterValue, format, args...)
	}
	switch {
	case o.Binary:
		return nil
	case o.Delimiter == 0 || o.Delimiter >= 0x80:
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY delimiter must be a single one-byte character")
	case o.Delimiter == '\r' || o.Delimiter == '\n':
		return bad("COPY delimiter cannot be newline or carriage return")
	case hasAny(o.Null, "\r\n"):
		return bad("COPY null representation cannot use newline or carriage return")
	case !o.CSV && hasAny(string(rune(o.Delimiter)), "\\.abcdefghijklmnopqrstuvwxyz0123456789"):
		return bad("COPY delimiter cannot be \"%c\"", o.Delimiter)
	case o.CSV && (o.Quote == 0 || o.Quote >= 0x80):
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY quote must be a single one-byte character")
	case o.CSV && o.Delimiter == o.Quote:
		return bad("COPY delimiter and quote must be different")
	case o.CSV && (o.Escape == 0 || o.Escape >= 0x80):
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY escape must be a single one-byte character")
	case hasAny(o.Null, string(rune(o.Delimiter))):
		return sqlerr.New(sqlerr.FeatureNotSupported, "COPY delimiter must not appear in the NULL specification")
	case o.CSV && hasAny(o.Null, string(rune(o.Quote))):
		return sqlerr.New(sqlerr.FeatureNotSupported, "CSV quote character must not appear in the NULL specification")
	}
	return nil
}

func hasAny(s, chars string) bool {
	for i := range len(s) {
		for j := range len(chars) {
			if s[i] == chars[j] {
				return true
			}
		}
	}
	return false
}

// Spec describes the rows to be read or written.
type Spec struct {
	Schema chunk.Schema
	// Columns are the columns' names, for headers, JSON keys and messages.
	Columns []string
	// Relation is the name for messages: COPY t, line 3, column x.
	Relation string
	Settings *types.Settings
	// Lenient decoders set bad lines aside instead of failing.
	Lenient bool
}

// BadLine is a line a lenient decoder could not read.
type BadLine struct {
	Line int64  // number, from 1
	Text string // the line, cut at 1 KiB
	Err  error  // what is wrong with it, a *sqlerr.Error
	// Row is the number of good rows of the same Take before it.
	Row int
}

// Decoder reads rows out of a stream of bytes.
type Decoder interface {
	// Feed takes the next bytes; it keeps no part of p. After an error the decoder
	// is of no further use. A lenient decoder fails only where no line can be told
	// from the next.
	Feed(p []byte) error
	// Finish says that the input has ended; a last line without newline is read.
	Finish() error
	// Take hands over what has been read since the last Take: a chunk, nil if
	// there is no row, and the bad lines.
	Take() (*chunk.Chunk, []BadLine)
	// Rows returns the number of rows the next Take gives, as far as known: callers
	// take when it passes chunk.RowsMax.
	Rows() int
	// Consumed returns how many bytes of input the lines read so far had. Lines
	// fed but not complete are not counted.
	Consumed() int64
	// Lines returns how many lines those bytes were, headers and blank lines included.
	Lines() int64
}

// lineTextMax bounds the text of a BadLine.
const lineTextMax = 1024

// lineBytesMax bounds a single line of input.
const lineBytesMax = 1 << 30

func errLineTooLong() error {
	return sqlerr.New(sqlerr.ProgramLimitExceeded, "a line of input exceeds %d bytes", lineBytesMax)
}
