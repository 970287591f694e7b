package storage

import (
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// BenchmarkCheckpoint writes checkpoints of sorted keys with 50-byte values to the machine's disk.
func BenchmarkCheckpoint(b *testing.B) {
	for _, keys := range []int{0, 1000, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			d, err := OpenDir(b.TempDir(), DirOptions{FS: vfs.Default, Guard: GuardOptions{BallastBytes: -1}})
			if err != nil {
				b.Fatal(err)
			}
			s, err := OpenStore(d, StoreOptions{})
			if err != nil {
				b.Fatal(err)
			}
			if err := d.MarkInitialized(); err != nil {
				b.Fatal(err)
			}
			value := make([]byte, 50)
			var key []byte
			epoch := uint64(0)
			b.ReportAllocs()
			for b.Loop() {
				epoch++
				w, err := s.Begin(epoch)
				if err != nil {
					b.Fatal(err)
				}
				for i := range keys {
					key = fmt.Appendf(key[:0], "key%09d", i)
					if err := w.Put(1, key, value); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Commit(nil, nil); err != nil {
					b.Fatal(err)
				}
			}
			_ = s.Close()
			_ = d.Close()
		})
	}
}

// BenchmarkSegment writes and reads segments of 64 KiB blocks in memory: the cost of compression and checksums.
func BenchmarkSegment(b *testing.B) {
	blocks := payloads(64, 64<<10)
	for name, opts := range map[string]SegmentOptions{
		"none": {Uncompressed: true}, "s2": {}, "zstd": {Codec: CodecZstd},
	} {
		fs := vfs.NewMem()
		b.Run("write/codec="+name, func(b *testing.B) {
			b.SetBytes(64 * 64 << 10)
			b.ReportAllocs()
			for b.Loop() {
				writeSegment(b, fs, "a.seg", opts, blocks...)
			}
		})
		b.Run("read/codec="+name, func(b *testing.B) {
			s, err := OpenSegment(fs, "a.seg", nil)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			b.SetBytes(64 * 64 << 10)
			b.ReportAllocs()
			for b.Loop() {
				for i := range s.Blocks() {
					if _, err := s.Block(i); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
