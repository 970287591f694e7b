package streamdb

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"streamdb/replication/log"
	"streamdb/sql/catalog"
	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// EngineVersion is what may apply the entries that this program logs. It rises when
// replaying an old entry would give another result. Since 2 a row that replaces an
// accepted one of the same event time is not late. Since 3 plans have nodes that older
// programs do not know, late rows say by how much, and a table may have several watermarks. Since
// 4 ranges of sources have another digest, of the columns that are read, and views may
// begin where their sources stand.
// Since 5 rows leave by retention, late rows by their budget, and ALTER declares watermarks.
const EngineVersion = 5

// KindOps is the kind of entries whose payload is a list of operations.
const KindOps = log.KindFirstFree

// op is one operation of an entry. The payload of an entry is a version byte and, per
// operation, a code, the length of its body and the body; a body is JSON for what is
// rare and compact for rows.
type op interface {
	code() opCode
	append(dst []byte) ([]byte, error)
}

// opCode says what an operation is. The values are on disk: never renumber.
type opCode byte

const (
	codeWrite    opCode = 1
	codeTruncate opCode = 2
	codeDDL      opCode = 3
	codeSequence opCode = 4
	codeRange    opCode = 5
	codeRows     opCode = 6
	codeClock    opCode = 7
	codeQuiet    opCode = 8
)

const payloadVersion = 1

// writeOp changes the rows of a table.
type writeOp struct {
	Table catalog.ID
	Rows  *chunk.Chunk

	// arrived, where not nil, counts the rows that were special as this node applied it.
	arrived *arrivals
}

// truncateOp empties a table.
type truncateOp struct {
	Table catalog.ID `json:"table"`
}

// ddlOp changes the catalog.
type ddlOp struct {
	// Base is the catalog version that the changes were planned against.
	Base    uint64           `json:"base"`
	Changes []catalog.Change `json:"changes"`
	// Defaults holds what existing rows read in added columns, by table and column id.
	Defaults map[catalog.ID]map[int]types.Datum `json:"defaults,omitempty"`
	// Restart sets sequences to a value.
	Restart map[catalog.ID]int64 `json:"restart,omitempty"`
}

// sequenceOp says up to where a sequence's values may have been given out.
type sequenceOp struct {
	Sequence catalog.ID `json:"sequence"`
	Last     int64      `json:"last"`
	Called   bool       `json:"called"`
}

// rangeOp moves a source that is logged by reference from offset From to To.
type rangeOp struct {
	Source catalog.ID `json:"source"`
	From   int64      `json:"from"`
	To     int64      `json:"to"`
	// Columns is the ids of the columns that something reads, ascending; nil for all.
	Columns []int `json:"columns"`
	// Digest is a hash of these columns of the range's rows, made by the connector: a node that
	// reads others stops.
	Digest uint64 `json:"digest"`

	// rows is the range as the proposer has read it; nil on replay.
	rows []*chunk.Chunk
}

// rowsOp adds rows of a source that is logged by value, and moves its position.
type rowsOp struct {
	Source   catalog.ID
	Position []byte // the connector's
	Rows     *chunk.Chunk
	// Bad is the records that could not be decoded, as dead letters; nil if there are none.
	Bad *chunk.Chunk
}

// quietOp says that a source's reader has read all that there is, or that this is over
// without a row having come.
type quietOp struct {
	Source catalog.ID `json:"source"`
	Quiet  bool       `json:"quiet"`
}

func (*writeOp) code() opCode    { return codeWrite }
func (*truncateOp) code() opCode { return codeTruncate }
func (*ddlOp) code() opCode      { return codeDDL }
func (*sequenceOp) code() opCode { return codeSequence }
func (*rangeOp) code() opCode    { return codeRange }
func (*rowsOp) code() opCode     { return codeRows }
func (*quietOp) code() opCode    { return codeQuiet }

func (o *writeOp) append(dst []byte) ([]byte, error) {
	dst = binary.AppendUvarint(dst, uint64(o.Table))
	return chunk.AppendChunk(dst, o.Rows)
}

func (o *rowsOp) append(dst []byte) ([]byte, error) {
	dst = binary.AppendUvarint(dst, uint64(o.Source))
	dst = binary.AppendUvarint(dst, uint64(len(o.Position)))
	dst = append(dst, o.Position...)
	dst, err := chunk.AppendChunk(dst, o.Rows)
	if err != nil || o.Bad == nil {
		return dst, err
	}
	return chunk.AppendChunk(dst, o.Bad)
}

func (o *truncateOp) append(dst []byte) ([]byte, error) { return appendJSON(dst, o) }
func (o *ddlOp) append(dst []byte) ([]byte, error)      { return appendJSON(dst, o) }
func (o *sequenceOp) append(dst []byte) ([]byte, error) { return appendJSON(dst, o) }
func (o *rangeOp) append(dst []byte) ([]byte, error)    { return appendJSON(dst, o) }
func (o *quietOp) append(dst []byte) ([]byte, error)    { return appendJSON(dst, o) }

func appendJSON(dst []byte, v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(dst, b...), err
}

// encodeOps makes the payload of an entry.
func encodeOps(ops []op) ([]byte, error) {
	dst := []byte{payloadVersion}
	var body []byte
	for _, o := range ops {
		var err error
		if body, err = o.append(body[:0]); err != nil {
			return nil, err
		}
		dst = append(dst, byte(o.code()))
		dst = binary.AppendUvarint(dst, uint64(len(body)))
		dst = append(dst, body...)
	}
	return dst, nil
}

// decodeOps reads what encodeOps wrote.
func decodeOps(b []byte) ([]op, error) {
	if len(b) == 0 || b[0] != payloadVersion {
		return nil, fmt.Errorf("entry payload is of an unknown version")
	}
	b = b[1:]
	var ops []op
	for len(b) > 0 {
		c := opCode(b[0])
		n, k := binary.Uvarint(b[1:])
		if k <= 0 || n > uint64(len(b)-1-k) {
			return nil, fmt.Errorf("entry payload ends within an operation")
		}
		body := b[1+k : 1+k+int(n)]
		b = b[1+k+int(n):]
		o, err := decodeOp(c, body)
		if err != nil {
			return nil, fmt.Errorf("operation %d: %w", c, err)
		}
		ops = append(ops, o)
	}
	return ops, nil
}

func decodeOp(c opCode, b []byte) (op, error) {
	var o op
	switch c {
	case codeWrite:
		id, k := binary.Uvarint(b)
		if k <= 0 {
			return nil, chunk.ErrCorrupt
		}
		rows, _, err := chunk.DecodeChunk(b[k:])
		return &writeOp{Table: catalog.ID(id), Rows: rows}, err
	case codeRows:
		return decodeRows(b)
	case codeTruncate:
		o = &truncateOp{}
	case codeDDL:
		o = &ddlOp{}
	case codeSequence:
		o = &sequenceOp{}
	case codeRange:
		o = &rangeOp{}
	case codeClock:
		o = &clockOp{}
	case codeQuiet:
		o = &quietOp{}
	default:
		return nil, fmt.Errorf("unknown operation")
	}
	return o, json.Unmarshal(b, o)
}

func decodeRows(b []byte) (op, error) {
	id, k := binary.Uvarint(b)
	if k <= 0 {
		return nil, chunk.ErrCorrupt
	}
	b = b[k:]
	n, k := binary.Uvarint(b)
	if k <= 0 || n > uint64(len(b)-k) {
		return nil, chunk.ErrCorrupt
	}
	pos := append([]byte(nil), b[k:k+int(n)]...)
	o := &rowsOp{Source: catalog.ID(id), Position: pos}
	rest := b[k+int(n):]
	var err error
	if o.Rows, rest, err = chunk.DecodeChunk(rest); err == nil && len(rest) > 0 {
		o.Bad, _, err = chunk.DecodeChunk(rest)
	}
	return o, err
}
