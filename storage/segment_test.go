package storage

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"streamdb/storage/storagetest"
)

// writeSegment writes blocks of the given payloads with keys k000, k010, …
func writeSegment(t testing.TB, fs vfs.FS, path string, opts SegmentOptions, payloads ...[]byte) SegmentMeta {
	t.Helper()
	w, err := NewSegmentWriter(fs, path, opts)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range payloads {
		if err := w.AddBlock(fmt.Appendf(nil, "k%03d", 10*i), i+1, p); err != nil {
			t.Fatal(err)
		}
	}
	w.SetLastKey([]byte("k999"))
	for _, name := range []string{"filter", "minmax"} {
		if err := w.AddSection(name, []byte("content of "+name)); err != nil {
			t.Fatal(err)
		}
	}
	meta, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return meta
}

func payloads(n, size int) [][]byte {
	rng := rand.New(rand.NewPCG(7, 7))
	all := make([][]byte, n)
	for i := range all {
		all[i] = bytes.Repeat([]byte{byte(i)}, size)
		for j := 0; j < size; j += 3 {
			all[i][j] = byte(rng.Uint32())
		}
	}
	return all
}

func TestSegmentRoundTrip(t *testing.T) {
	fs := vfs.NewMem()
	blocks := append(payloads(40, 20_000), []byte{}, []byte("x"))
	for _, opts := range []SegmentOptions{{}, {Codec: CodecZstd}, {Uncompressed: true}} {
		meta := writeSegment(t, fs, "a.seg", opts, blocks...)
		for _, cache := range []*BlockCache{nil, NewBlockCache(100_000)} {
			s, err := OpenSegment(fs, "a.seg", cache)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Meta()
			if got.Bytes != meta.Bytes || got.Blocks != 42 || got.Rows != 42*43/2 || string(got.LastKey) != "k999" || string(got.FirstKey) != "k000" {
				t.Errorf("meta %+v, written %+v", got, meta)
			}
			for range 2 {
				for i, want := range blocks {
					if b, err := s.Block(i); err != nil || !bytes.Equal(b, want) {
						t.Fatalf("block %d: %v", i, err)
					}
				}
			}
			if b, err := s.Section("minmax"); err != nil || string(b) != "content of minmax" {
				t.Errorf("section is %q, %v", b, err)
			}
			if b, err := s.Section("other"); err != nil || b != nil {
				t.Errorf("section that is not there is %q, %v", b, err)
			}
			if held, _, _ := cache.Stats(); held > 100_000 {
				t.Errorf("cache holds %d bytes", held)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if held, _, _ := cache.Stats(); held != 0 {
				t.Errorf("cache holds %d bytes of a closed segment", held)
			}
		}
	}
}

func TestSegmentSeek(t *testing.T) {
	fs := vfs.NewMem()
	w, err := NewSegmentWriter(fs, "a.seg", SegmentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"b", "d", "d", "f"} {
		if err := w.AddBlock([]byte(key), 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.AddBlock([]byte("e"), 1, nil); err == nil {
		t.Error("descending block went through")
	}
	w.Abort()
	if _, err := fs.Stat("a.seg"); err == nil {
		t.Error("aborted segment is still there")
	}
	w, _ = NewSegmentWriter(fs, "a.seg", SegmentOptions{})
	for _, key := range []string{"b", "d", "d", "f"} {
		_ = w.AddBlock([]byte(key), 1, nil)
	}
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSegment(fs, "a.seg", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for key, want := range map[string]int{"a": 0, "b": 0, "c": 0, "d": 0, "e": 2, "f": 2, "g": 3} {
		if got := s.Seek([]byte(key)); got != want {
			t.Errorf("Seek(%s) = %d, want %d", key, got, want)
		}
	}
}

// TestSegmentFormat pins the bytes on disk: a change here is a new segmentVersion.
func TestSegmentFormat(t *testing.T) {
	fs := vfs.NewMem()
	w, _ := NewSegmentWriter(fs, "a.seg", SegmentOptions{Uncompressed: true})
	_ = w.AddBlock([]byte("k"), 2, []byte("block"))
	_ = w.AddSection("s", []byte("sec"))
	w.SetLastKey([]byte("z"))
	if _, err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	b, _ := readFile(fs, "a.seg")
	if got := hex.EncodeToString(b); got != segmentHex {
		t.Errorf("segment is\n%s, want\n%s", got, segmentHex)
	}
}

const segmentHex = "7364627365670d0a0100000000000000" + // header
	"626c6f636b" + "0005000000" + "e174b2fb" + // block
	"736563" + "0003000000" + "b91e10e5" + // section
	"01016b020e" + "0005000000" + "3e267a8a" + // index
	"01017a020101731e0c" + "0009000000" + "2821506c" + // table
	"2a000000000000000e00000038000000000000001200000001000000" + "b99568c6" + "6765736264730d0a" // footer

// TestSegmentDamage flips every bit of a segment, and cuts it everywhere: reading it all must fail with ErrCorrupt.
func TestSegmentDamage(t *testing.T) {
	fs := vfs.NewMem()
	writeSegment(t, fs, "a.seg", SegmentOptions{}, payloads(2, 40)...)
	whole, _ := readFile(fs, "a.seg")
	check := func(what string, b []byte) {
		t.Helper()
		if err := writeFile(fs, "b.seg", b); err != nil {
			t.Fatal(err)
		}
		if err := readAll(fs, "b.seg"); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range len(whole) * 8 {
		b := bytes.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		check(fmt.Sprintf("bit %d", i), b)
	}
	for n := range whole {
		check(fmt.Sprintf("cut to %d", n), whole[:n])
	}
	_ = fs.Remove("b.seg")
	if err := readAll(fs, "b.seg"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("missing file: %v", err)
	}
}

// readAll reads everything in a segment.
func readAll(fs vfs.FS, path string) error {
	s, err := OpenSegment(fs, path, nil)
	if err != nil {
		return err
	}
	defer s.Close()
	for i := range s.Blocks() {
		if _, err := s.Block(i); err != nil {
			return err
		}
	}
	for i := range s.sections {
		if _, err := s.Section(s.sections[i].name); err != nil {
			return err
		}
	}
	return nil
}

// TestSegmentWriteFailure lets each operation fail: Finish must not claim success.
func TestSegmentWriteFailure(t *testing.T) {
	for n := 1; ; n++ {
		disk := storagetest.NewDisk()
		fs := disk.FS()
		disk.FailAt(n, nil)
		err := func() error {
			w, err := NewSegmentWriter(fs, "a.seg", SegmentOptions{})
			if err != nil {
				return err
			}
			for i, p := range payloads(30, 20_000) {
				if err := w.AddBlock([]byte{byte(i)}, 1, p); err != nil {
					w.Abort()
					return err
				}
			}
			_, err = w.Finish()
			return err
		}()
		if disk.Ops() < n {
			if err != nil || n < 5 {
				t.Fatalf("%d operations, %v", n, err)
			}
			return
		}
		if !errors.Is(err, storagetest.ErrInjected) {
			t.Errorf("operation %d failed and Finish returned %v", n, err)
		}
	}
}

// FuzzOpenSegment opens arbitrary bytes.
func FuzzOpenSegment(f *testing.F) {
	fs := vfs.NewMem()
	writeSegment(f, fs, "a.seg", SegmentOptions{}, payloads(3, 50)...)
	whole, _ := readFile(fs, "a.seg")
	f.Add(whole)
	f.Fuzz(func(t *testing.T, b []byte) {
		fs := vfs.NewMem()
		if err := writeFile(fs, "f.seg", b); err != nil {
			t.Fatal(err)
		}
		err := readAll(fs, "f.seg")
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) && !errors.Is(err, io.EOF) {
			t.Fatalf("unmarked error %v", err)
		}
	})
}

// FuzzDecodeIndex and its like reach the decoders behind the checksums.
func FuzzDecodeIndex(f *testing.F) {
	f.Add(appendIndex(nil, []BlockInfo{{FirstKey: []byte("a"), Rows: 3, Bytes: 40}}))
	f.Add(appendTable(nil, &SegmentMeta{LastKey: []byte("z"), Rows: 4}, []section{{"s", 16, 20}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if blocks, err := decodeIndex(b, 1<<20); err == nil {
			if again, err := decodeIndex(appendIndex(nil, blocks), 1<<20); err != nil || len(again) != len(blocks) {
				t.Fatal("index does not survive", err)
			}
		}
		last, rows, sections, err := decodeTable(b, 1<<20)
		if err == nil {
			again := appendTable(nil, &SegmentMeta{LastKey: last, Rows: rows}, sections)
			if _, _, _, err := decodeTable(again, 1<<20); err != nil {
				t.Fatal("table does not survive", err)
			}
		}
	})
}

// FuzzDecodeFrame reaches the decompressors.
func FuzzDecodeFrame(f *testing.F) {
	for _, c := range []Codec{CodecNone, CodecS2, CodecZstd} {
		f.Add(appendFrame(nil, 16, c, bytes.Repeat([]byte("abc"), 50)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = decodeFrame(16, b)
		if len(b) < frameTrailerSize || len(b) > 1<<16 {
			return
		}
		b = bytes.Clone(b)
		sum := frameChecksum(16, b[:len(b)-4])
		b[len(b)-4], b[len(b)-3], b[len(b)-2], b[len(b)-1] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
		raw, err := decodeFrame(16, b)
		if err != nil {
			return
		}
		if again, err := decodeFrame(0, appendFrame(nil, 0, CodecS2, raw)); err != nil || !bytes.Equal(again, raw) {
			t.Fatal("frame does not survive", err)
		}
	})
}
