package raftlog

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/hashicorp/raft"

	"streamdb/replication/log"
)

const (
	entryVersion    = 1
	entryHeaderSize = 1 + 1 + 2 + 8 + 8 + 4 + 4 + 4 // version, type, reserved, term, appended, two lengths, checksum

	// EntryBytesMax bounds the data of one entry of consensus. What is above it comes in frames.
	EntryBytesMax = 8 << 20
)

// castagnoli has hardware support on amd64 and arm64.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendEntry appends the stored form of an entry of consensus to dst, which is
//
//	offset  0  version = 1
//	        1  type, as raft numbers it
//	        2  reserved = 0             uint16
//	        4  term                     uint64, little endian as all below
//	       12  when the leader took it  int64, ns since 1970, 0 for unknown
//	       20  length of the data       uint32
//	       24  length of the extensions uint32
//	       28  CRC-32C                  uint32, over index (8 bytes), bytes 0–27, data and extensions
//	       32  data, extensions
//
// The index is the key it is stored under; it is under the checksum so that an entry cannot pass for another.
func appendEntry(dst []byte, l *raft.Log) []byte {
	start := len(dst)
	dst = append(dst, entryVersion, byte(l.Type), 0, 0)
	dst = binary.LittleEndian.AppendUint64(dst, l.Term)
	appended := int64(0)
	if !l.AppendedAt.IsZero() {
		appended = l.AppendedAt.UnixNano()
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(appended))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(l.Data)))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(l.Extensions)))
	dst = append(dst, 0, 0, 0, 0)
	dst = append(dst, l.Data...)
	dst = append(dst, l.Extensions...)
	binary.LittleEndian.PutUint32(dst[start+28:], entryChecksum(l.Index, dst[start:]))
	return dst
}

// entryChecksum is the checksum of a stored entry, whose own bytes it leaves out.
func entryChecksum(index uint64, b []byte) uint32 {
	var key [8]byte
	binary.LittleEndian.PutUint64(key[:], index)
	sum := crc32.Update(0, castagnoli, key[:])
	sum = crc32.Update(sum, castagnoli, b[:entryHeaderSize-4])
	return crc32.Update(sum, castagnoli, b[entryHeaderSize:])
}

// decodeEntry reads what appendEntry wrote for the given index. It copies: the entry does not refer to b. Errors are
// marked log.ErrCorrupt, except for a version above ours, which is log.ErrVersion.
func decodeEntry(index uint64, b []byte, l *raft.Log) error {
	if len(b) < entryHeaderSize {
		return corruptf("entry %d has %d bytes, a header has %d", index, len(b), entryHeaderSize)
	}
	want := binary.LittleEndian.Uint32(b[28:])
	if got := entryChecksum(index, b); got != want {
		return corruptf("entry %d has checksum %08x, its bytes have %08x", index, want, got)
	}
	// From here on the bytes are what somebody wrote on purpose; the checks below keep a foreign writer out.
	if b[0] != entryVersion {
		return fmt.Errorf("%w: entry %d has version %d", log.ErrVersion, index, b[0])
	}
	body := b[entryHeaderSize:]
	n, m := binary.LittleEndian.Uint32(b[20:]), binary.LittleEndian.Uint32(b[24:])
	if uint64(n)+uint64(m) != uint64(len(body)) || b[1] > byte(raft.LogConfiguration) || b[2] != 0 || b[3] != 0 {
		return corruptf("entry %d has a malformed header", index)
	}
	*l = raft.Log{Index: index, Term: binary.LittleEndian.Uint64(b[4:]), Type: raft.LogType(b[1])}
	if at := int64(binary.LittleEndian.Uint64(b[12:])); at != 0 {
		l.AppendedAt = time.Unix(0, at).UTC()
	}
	if n > 0 {
		l.Data = append(make([]byte, 0, n), body[:n]...)
	}
	if m > 0 {
		l.Extensions = append(make([]byte, 0, m), body[n:]...)
	}
	return nil
}

// appendValue appends the stored form of a value of the stable store: CRC-32C over key and value, value.
func appendValue(dst, key, value []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, value))
	return append(dst, value...)
}

// decodeValue undoes appendValue. It copies.
func decodeValue(key, b []byte) ([]byte, error) {
	if len(b) < 4 || binary.LittleEndian.Uint32(b) != crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, b[4:]) {
		return nil, corruptf("the value of %q does not verify", key)
	}
	return append([]byte{}, b[4:]...), nil
}

// corruptf makes an error marked log.ErrCorrupt.
func corruptf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", log.ErrCorrupt, fmt.Sprintf(format, args...))
}
