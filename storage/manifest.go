package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const manifestVersion = 1

var manifestMagic = [4]byte{'S', 'D', 'B', 'M'}

// Manifest says what a checkpoint is. There is one at a time, and what it names is exactly what is true.
type Manifest struct {
	// Epoch is the core's epoch that the checkpoint is of.
	Epoch uint64

	// Sequence counts the checkpoints of this store, from 1.
	Sequence uint64

	// Segments are the files the checkpoint refers to, in no particular order.
	Segments []SegmentRef

	// Payload is the owner's: what to find in which space and segment.
	Payload []byte

	// nextSegment is above every segment id ever committed.
	nextSegment uint64
}

// SegmentRef names a segment file of a store.
type SegmentRef struct {
	ID    uint64
	Bytes int64 // Size of the file; a file of another size is not this segment.
}

// append encodes the manifest:
//
//	magic "SDBM" │ version uint32 │ epoch uvarint │ sequence uvarint │ next segment id uvarint
//	count uvarint, then per segment: id uvarint │ bytes uvarint
//	payload (uvarint length, bytes) │ CRC-32C uint32 over all before it
func (m *Manifest) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, manifestMagic[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, manifestVersion)
	dst = binary.AppendUvarint(dst, m.Epoch)
	dst = binary.AppendUvarint(dst, m.Sequence)
	dst = binary.AppendUvarint(dst, m.nextSegment)
	dst = binary.AppendUvarint(dst, uint64(len(m.Segments)))
	for _, s := range m.Segments {
		dst = binary.AppendUvarint(dst, s.ID)
		dst = binary.AppendUvarint(dst, uint64(s.Bytes))
	}
	dst = appendBytes(dst, m.Payload)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// decodeManifest undoes append. Path is for the error. The payload does not alias b.
func decodeManifest(path string, b []byte) (*Manifest, error) {
	if len(b) < 12 || [4]byte(b) != manifestMagic {
		return nil, corruptf(path, "not a manifest")
	}
	body := b[:len(b)-4]
	if got, want := crc32.Checksum(body, castagnoli), binary.LittleEndian.Uint32(b[len(body):]); got != want {
		return nil, corruptf(path, "manifest has checksum %08x, its bytes have %08x", want, got)
	}
	if v := binary.LittleEndian.Uint32(b[4:]); v != manifestVersion {
		return nil, fmt.Errorf("%w: %s: manifest version %d", ErrVersion, path, v)
	}
	r := reader{b: body[8:]}
	m := &Manifest{Epoch: r.uvarint(), Sequence: r.uvarint(), nextSegment: r.uvarint()}
	m.Segments = make([]SegmentRef, r.count(2))
	for i := range m.Segments {
		m.Segments[i] = SegmentRef{ID: r.uvarint(), Bytes: int64(r.int())}
		if m.Segments[i].ID >= m.nextSegment {
			r.fail("segment id above the next one")
		}
	}
	m.Payload = append([]byte{}, r.bytes()...)
	if err := r.close(); err != nil {
		return nil, corruptf(path, "manifest: %v", err)
	}
	return m, nil
}
