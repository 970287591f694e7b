package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Codec is a compression of blocks.
type Codec uint8

const (
	// CodecNone stores blocks as they are.
	CodecNone Codec = 0
	// CodecS2 is fast both ways; the default.
	CodecS2 Codec = 1
	// CodecZstd is about a third smaller and three times slower: for what is written once and rarely read.
	CodecZstd Codec = 2
)

// MaxBlockBytes bounds a block or section, uncompressed. A reader allocates no more on the word of a length field.
const MaxBlockBytes = 256 << 20

// frameTrailerSize is the codec, the raw length and the checksum behind the stored bytes of a frame.
const frameTrailerSize = 1 + 4 + 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// zstdCoders are shared by everyone: EncodeAll and DecodeAll are safe for concurrent use and start no goroutines.
var zstdCoders = sync.OnceValue(func() (c struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}) {
	c.enc, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false))
	c.dec, _ = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(MaxBlockBytes), zstd.WithDecoderConcurrency(0))
	return c
})

// appendFrame appends raw to dst as a frame that will lie at the given offset of its file:
//
//	stored bytes │ codec uint8 │ length of raw uint32 │ CRC-32C uint32
//
// The checksum covers the offset (8 bytes), the stored bytes, the codec and the length: a frame that was written to, or
// is read from, the wrong place does not verify. A codec that does not pay falls back to none.
func appendFrame(dst []byte, offset int64, codec Codec, raw []byte) []byte {
	start := len(dst)
	switch codec {
	case CodecS2:
		need := start + s2.MaxEncodedLen(len(raw))
		if cap(dst) < need {
			dst = append(make([]byte, 0, need+frameTrailerSize), dst...)
		}
		dst = dst[:start+len(s2.Encode(dst[start:need], raw))]
	case CodecZstd:
		dst = zstdCoders().enc.EncodeAll(raw, dst)
	}
	if codec == CodecNone || len(dst)-start >= len(raw) {
		codec = CodecNone
		dst = append(dst[:start], raw...)
	}
	dst = append(dst, byte(codec))
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(raw)))
	return binary.LittleEndian.AppendUint32(dst, frameChecksum(offset, dst[start:]))
}

// frameChecksum is the CRC-32C over an offset and a frame without its checksum.
func frameChecksum(offset int64, b []byte) uint32 {
	var at [8]byte
	binary.LittleEndian.PutUint64(at[:], uint64(offset))
	return crc32.Update(crc32.Update(0, castagnoli, at[:]), castagnoli, b)
}

// decodeFrame verifies a frame that was read at offset and returns its raw bytes, which may alias frame. Errors are
// plain; the caller knows the file and marks them.
func decodeFrame(offset int64, frame []byte) ([]byte, error) {
	if len(frame) < frameTrailerSize {
		return nil, fmt.Errorf("frame at %d has %d bytes", offset, len(frame))
	}
	sumAt := len(frame) - 4
	if got, want := frameChecksum(offset, frame[:sumAt]), binary.LittleEndian.Uint32(frame[sumAt:]); got != want {
		return nil, fmt.Errorf("frame at %d has checksum %08x, its bytes have %08x", offset, want, got)
	}
	stored := frame[:len(frame)-frameTrailerSize]
	codec := Codec(frame[len(stored)])
	rawLen := int(binary.LittleEndian.Uint32(frame[len(stored)+1:]))
	if rawLen > MaxBlockBytes {
		return nil, fmt.Errorf("frame at %d claims %d bytes", offset, rawLen)
	}
	raw, err := decompress(codec, rawLen, stored)
	if err == nil && len(raw) != rawLen {
		err = fmt.Errorf("%d bytes, expected %d", len(raw), rawLen)
	}
	if err != nil {
		return nil, fmt.Errorf("frame at %d: %w", offset, err)
	}
	return raw, nil
}

func decompress(codec Codec, rawLen int, stored []byte) ([]byte, error) {
	switch codec {
	case CodecNone:
		return stored, nil
	case CodecS2:
		if n, err := s2.DecodedLen(stored); err != nil || n != rawLen {
			return nil, fmt.Errorf("compressed length %d, expected %d (%v)", n, rawLen, err)
		}
		return s2.Decode(make([]byte, rawLen), stored)
	case CodecZstd:
		return zstdCoders().dec.DecodeAll(stored, make([]byte, 0, min(rawLen, 64*len(stored)+64)))
	default:
		return nil, fmt.Errorf("unknown codec %d", codec)
	}
}
