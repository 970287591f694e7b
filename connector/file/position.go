package file

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
	"os"

	"streamdb/sql/sqlerr"
)

// headMax is how many of a file's first bytes tell it from another.
const headMax = 256

// positionVersion is the first byte of an encoded position.
const positionVersion = 1

// positionBytes is the length of an encoded position.
const positionBytes = 1 + 1 + 8 + 8 + 8 + 8 + 2 + 8

// position is where a tail goes on: in which file and behind what.
//
// Invariant: 0 <= headLen <= min(offset, headMax): only bytes that have been read, and
// so do not change, identify the file.
type position struct {
	done        bool   // follow = false: the end has been seen
	dev, ino    uint64 // 0 where the system has none
	offset      int64  // bytes of complete lines read
	line        int64  // number of lines read
	headLen     int
	headHash    uint64 // of the first headLen bytes
	fromNothing bool   // no file has been seen yet
}

// encode returns
//
//	version 1 | done 1 | dev 8 | ino 8 | offset 8 | line 8 | headLen 2 | headHash 8
//
// all little-endian.
func (p position) encode() []byte {
	b := make([]byte, 0, positionBytes)
	b = append(b, positionVersion, 0)
	if p.done {
		b[1] = 1
	}
	b = binary.LittleEndian.AppendUint64(b, p.dev)
	b = binary.LittleEndian.AppendUint64(b, p.ino)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.offset))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.line))
	b = binary.LittleEndian.AppendUint16(b, uint16(p.headLen))
	return binary.LittleEndian.AppendUint64(b, p.headHash)
}

// decodePosition reads what encode wrote; empty bytes are the beginning.
func decodePosition(b []byte) (position, error) {
	if len(b) == 0 {
		return position{fromNothing: true}, nil
	}
	bad := func() (position, error) {
		return position{}, sqlerr.New(sqlerr.DataCorrupted, "position of a file source is not readable: % x", b[:min(len(b), positionBytes)])
	}
	if len(b) != positionBytes || b[0] != positionVersion || b[1] > 1 {
		return bad()
	}
	p := position{done: b[1] == 1, dev: binary.LittleEndian.Uint64(b[2:]), ino: binary.LittleEndian.Uint64(b[10:]),
		offset: int64(binary.LittleEndian.Uint64(b[18:])), line: int64(binary.LittleEndian.Uint64(b[26:])),
		headLen: int(binary.LittleEndian.Uint16(b[34:])), headHash: binary.LittleEndian.Uint64(b[36:])}
	if p.offset < 0 || p.line < 0 || p.headLen > headMax || int64(p.headLen) > p.offset {
		return bad()
	}
	return p, nil
}

// isOf reports whether f is the file p was taken from and still holds what was read.
func (p position) isOf(f *os.File) bool {
	fi, err := f.Stat()
	if err != nil {
		return false
	}
	dev, ino := identity(fi)
	return dev == p.dev && ino == p.ino && fi.Size() >= p.offset && p.headIn(f)
}

// headIn reports whether f begins with the bytes p remembers.
func (p position) headIn(f *os.File) bool {
	if p.headLen == 0 {
		return true
	}
	var buf [headMax]byte
	if _, err := f.ReadAt(buf[:p.headLen], 0); err != nil {
		return false
	}
	return headHash(buf[:p.headLen]) == p.headHash
}

func headHash(b []byte) uint64 {
	h := fnv.New64a()
	h.Write(b) // hash.Hash never fails
	return h.Sum64()
}

// readHead returns the first bytes of f that identify it, at most headMax and none
// behind offset.
func readHead(f *os.File, offset int64) ([]byte, error) {
	b := make([]byte, min(offset, headMax))
	n, err := f.ReadAt(b, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return b[:n], nil
}

// sameHead reports whether f still begins with head.
func sameHead(f *os.File, head []byte) bool {
	var buf [headMax]byte
	n, _ := f.ReadAt(buf[:len(head)], 0) // a short read is a mismatch
	return bytes.Equal(buf[:n], head)
}
