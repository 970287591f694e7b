package replication

import (
	"encoding/binary"
	"errors"
	"fmt"

	"streamdb/replication/log"
)

// frameBytesMax bounds the part of an entry that one frame carries. Consensus limits what it sends by the number of its
// entries alone: frames make that a number of bytes.
const frameBytesMax = 512 << 10

// frameHeader is what stands before a frame's part of an entry:
//
//	version = 1 uint8 │ reserved uint8 ×3 │ number uint32 │ count uint32 │ group uint64 │ term uint64
//
// all little endian. A group is the frames of one entry; its number is never used twice in a term.
type frameHeader struct {
	number, count uint32
	group, term   uint64
}

const (
	frameVersion    = 1
	frameHeaderSize = 4 + 4 + 4 + 8 + 8
)

// frames cuts an encoded entry.
func frames(entry []byte, group, term uint64) [][]byte {
	count := max((len(entry)+frameBytesMax-1)/frameBytesMax, 1)
	out := make([][]byte, count)
	for i := range out {
		part := entry[i*frameBytesMax : min((i+1)*frameBytesMax, len(entry))]
		b := make([]byte, 0, frameHeaderSize+len(part))
		b = append(b, frameVersion, 0, 0, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(i))
		b = binary.LittleEndian.AppendUint32(b, uint32(count))
		b = binary.LittleEndian.AppendUint64(b, group)
		b = binary.LittleEndian.AppendUint64(b, term)
		out[i] = append(b, part...)
	}
	return out
}

// decodeFrame splits a frame; the part aliases b. Errors are marked log.ErrCorrupt, or log.ErrVersion.
func decodeFrame(b []byte) (h frameHeader, part []byte, err error) {
	if len(b) < frameHeaderSize || b[1]|b[2]|b[3] != 0 {
		return h, nil, fmt.Errorf("%w: a frame of %d bytes is malformed", log.ErrCorrupt, len(b))
	}
	if b[0] != frameVersion {
		return h, nil, fmt.Errorf("%w: a frame has version %d", log.ErrVersion, b[0])
	}
	h = frameHeader{
		number: binary.LittleEndian.Uint32(b[4:]), count: binary.LittleEndian.Uint32(b[8:]),
		group: binary.LittleEndian.Uint64(b[12:]), term: binary.LittleEndian.Uint64(b[20:]),
	}
	if h.number >= h.count || h.count > 2*log.MaxEntryBytes/frameBytesMax || len(b)-frameHeaderSize > frameBytesMax {
		return h, nil, fmt.Errorf("%w: frame %d of %d is malformed", log.ErrCorrupt, h.number, h.count)
	}
	return h, b[frameHeaderSize:], nil
}

// errFenced is the answer to a frame that was made under another term than it was logged in, or whose group is broken:
// every node drops it.
var errFenced = errors.New("the lead has changed")

// joiner puts entries together from frames, on every node alike. A leader writes the frames of one entry behind each
// other; a group that is not complete when another frame comes never will be, since it ended with its term or was
// refused in its middle.
//
//	index  7  term 2  group 1  frame 0/2
//	index  8  term 2  group 1  frame 1/2   entry, at index 8
//	index  9  term 2  group 2  frame 0/3   begun
//	index 10  term 3  group 1  frame 0/1   entry, at index 10; group 2 of term 2 is dropped
type joiner struct {
	open frameHeader // Of the last frame of the group that is being joined; count is 0 if there is none.
	buf  []byte
}

// add takes a frame that was logged in a term. It returns the entry that it completes; nil without an error if there are
// frames to come.
func (j *joiner) add(term uint64, b []byte) (entry []byte, h frameHeader, err error) {
	h, part, err := decodeFrame(b)
	if err != nil {
		return nil, h, err
	}
	next := j.open.count > 0 && h.group == j.open.group && h.term == j.open.term && h.count == j.open.count && h.number == j.open.number+1
	if h.term != term || h.number > 0 && !next {
		j.drop()
		return nil, h, errFenced
	}
	if h.number == 0 {
		j.buf = nil
		if h.count == 1 {
			j.drop()
			return part, h, nil
		}
	}
	j.open, j.buf = h, append(j.buf, part...)
	if h.number+1 < h.count {
		return nil, h, nil
	}
	entry = j.buf
	j.drop()
	return entry, h, nil
}

func (j *joiner) drop() { *j = joiner{} }
