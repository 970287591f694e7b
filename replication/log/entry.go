package log

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/klauspost/compress/s2"
)

// Kind tells a state machine how to read a payload. The log gives meaning to the three kinds below KindFirstFree only.
type Kind uint8

const (
	// KindLeader is the first entry of a new leader, or of the only node after it has started: every stage that is
	// still open is dropped by it.
	KindLeader Kind = 1

	// KindStage carries one stage of a transaction that does not fit into one entry. The payload begins with a
	// StageHeader. It changes nothing that can be seen.
	KindStage Kind = 2

	// KindCommit publishes the stages named in its payload, which begins with a StageHeader, as one epoch.
	KindCommit Kind = 3

	// KindFirstFree is the first kind that belongs to the state machine.
	KindFirstFree Kind = 16
)

// MaxEntryBytes bounds the payload of one entry, uncompressed. A decoder allocates no more than this on the word of a
// length field.
const MaxEntryBytes = 256 << 20

// Entry is one element of the log.
type Entry struct {
	// Index is the position, starting at 1, without gaps. The driver assigns it.
	Index uint64

	// Time is in microseconds since 2000-01-01 UTC and rises strictly from entry to entry. The driver assigns it.
	Time int64

	// Kind says how to read Payload.
	Kind Kind

	// EngineVersion is the version of the engine that may apply this entry.
	EngineVersion uint32

	// Payload belongs to the log from Propose on and must not be changed after. A state machine may keep it.
	Payload []byte

	// Local is carried from Propose to Apply in memory and never stored: the decoded form of Payload, so that the node
	// which made an entry need not decode it. It is nil on replay, hence must say nothing that Payload does not.
	Local any
}

const (
	entryVersion    = 1
	entryHeaderSize = 1 + 1 + 1 + 1 + 4 + 8 + 4 + 4 // version, codec, kind, reserved, engine, time, raw length, checksum

	codecNone = 0
	codecS2   = 1

	// compressFrom is the payload size at which compression is tried: below it the gain is lost in pebble's own
	// per-value overhead, and a one-row insert should not pay for it.
	compressFrom = 4 << 10
)

// castagnoli has hardware support on amd64 and arm64.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// AppendEntry appends the stored form of e to dst, which is
//
//	offset  0  version = 1
//	        1  codec of the payload: 0 none, 1 S2
//	        2  kind
//	        3  reserved = 0
//	        4  engine version           uint32, little endian as all below
//	        8  time                     int64
//	       16  length of the payload    uint32, uncompressed
//	       20  CRC-32C                  uint32, over index (8 bytes), bytes 0–19 and the payload as stored
//	       24  payload as stored
//
// The index is the key it is stored under; it is under the checksum so that an entry cannot pass for another.
func AppendEntry(dst []byte, e *Entry) []byte {
	start := len(dst)
	dst = append(dst, entryVersion, codecNone, byte(e.Kind), 0)
	dst = binary.LittleEndian.AppendUint32(dst, e.EngineVersion)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Time))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(e.Payload)))
	dst = append(dst, 0, 0, 0, 0)
	body := len(dst)
	if len(e.Payload) >= compressFrom {
		dst = appendCompressed(dst, e.Payload)
		if len(dst)-body < len(e.Payload) {
			dst[start+1] = codecS2
		} else {
			dst = append(dst[:body], e.Payload...)
		}
	} else {
		dst = append(dst, e.Payload...)
	}
	sum := entryChecksum(e.Index, dst[start:start+entryHeaderSize-4], dst[body:])
	binary.LittleEndian.PutUint32(dst[body-4:], sum)
	return dst
}

// appendCompressed appends the S2 form of src to dst.
func appendCompressed(dst, src []byte) []byte {
	n := len(dst)
	need := n + s2.MaxEncodedLen(len(src))
	if cap(dst) < need {
		grown := make([]byte, n, need)
		copy(grown, dst)
		dst = grown
	}
	return dst[:n+len(s2.Encode(dst[n:need], src))]
}

// entryChecksum is the CRC-32C that AppendEntry stores.
func entryChecksum(index uint64, header, body []byte) uint32 {
	var key [8]byte
	binary.LittleEndian.PutUint64(key[:], index)
	sum := crc32.Update(0, castagnoli, key[:])
	sum = crc32.Update(sum, castagnoli, header)
	return crc32.Update(sum, castagnoli, body)
}

// DecodeEntry reads what AppendEntry wrote for the given index. It copies: the entry does not refer to b. Errors are
// marked ErrCorrupt, except for a format version above ours, which is ErrVersion.
func DecodeEntry(index uint64, b []byte) (Entry, error) {
	if len(b) < entryHeaderSize {
		return Entry{}, corruptf("entry %d has %d bytes, a header has %d", index, len(b), entryHeaderSize)
	}
	body := b[entryHeaderSize:]
	want := binary.LittleEndian.Uint32(b[20:])
	if got := entryChecksum(index, b[:entryHeaderSize-4], body); got != want {
		return Entry{}, corruptf("entry %d has checksum %08x, its bytes have %08x", index, want, got)
	}
	// From here on the bytes are what somebody wrote on purpose; the checks below keep a foreign writer out.
	if b[0] != entryVersion {
		return Entry{}, fmt.Errorf("%w: entry %d has version %d", ErrVersion, index, b[0])
	}
	rawLen := int(binary.LittleEndian.Uint32(b[16:]))
	if rawLen > MaxEntryBytes || b[3] != 0 {
		return Entry{}, corruptf("entry %d has a malformed header", index)
	}
	e := Entry{
		Index:         index,
		Kind:          Kind(b[2]),
		EngineVersion: binary.LittleEndian.Uint32(b[4:]),
		Time:          int64(binary.LittleEndian.Uint64(b[8:])),
	}
	var err error
	if e.Payload, err = decodeBody(b[1], rawLen, body); err != nil {
		return Entry{}, corruptf("entry %d: %v", index, err)
	}
	return e, nil
}

// decodeBody undoes the codec; the result has rawLen bytes and does not alias body.
func decodeBody(codec byte, rawLen int, body []byte) ([]byte, error) {
	switch codec {
	case codecNone:
		if len(body) != rawLen {
			return nil, fmt.Errorf("payload has %d bytes, header says %d", len(body), rawLen)
		}
		return append(make([]byte, 0, rawLen), body...), nil
	case codecS2:
		if n, err := s2.DecodedLen(body); err != nil || n != rawLen {
			return nil, fmt.Errorf("compressed payload of %d bytes, header says %d (%v)", n, rawLen, err)
		}
		return s2.Decode(make([]byte, rawLen), body)
	default:
		return nil, fmt.Errorf("unknown codec %d", codec)
	}
}
