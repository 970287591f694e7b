package log

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"testing"
)

// TestEntryFormat pins the bytes on disk: a change here is a new entryVersion.
func TestEntryFormat(t *testing.T) {
	e := Entry{Index: 258, Time: 0x0102030405, Kind: 17, EngineVersion: 3, Payload: []byte("abc")}
	got := hex.EncodeToString(AppendEntry(nil, &e))
	const want = "01001100" + "03000000" + "0504030201000000" + "03000000" + "03ae9f7f" + "616263"
	if got != want {
		t.Errorf("stored form\n got %s\nwant %s", got, want)
	}
}

func TestEntryRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := make([]byte, 3*compressFrom)
	for i := range random {
		random[i] = byte(rng.Uint32())
	}
	for _, payload := range [][]byte{nil, []byte("x"), random, bytes.Repeat([]byte("abcd"), compressFrom)} {
		e := Entry{Index: 9, Time: -5, Kind: KindStage, EngineVersion: 7, Payload: payload}
		stored := AppendEntry([]byte("prefix"), &e)[len("prefix"):]
		if len(stored) > len(payload)+entryHeaderSize {
			t.Errorf("%d bytes stored as %d", len(payload), len(stored))
		}
		got, err := DecodeEntry(9, stored)
		if err != nil {
			t.Fatal(err)
		}
		if got.Index != 9 || got.Time != -5 || got.Kind != KindStage || got.EngineVersion != 7 || !bytes.Equal(got.Payload, payload) {
			t.Errorf("payload of %d bytes came back as %+v", len(payload), got)
		}
		if _, err := DecodeEntry(10, stored); !errors.Is(err, ErrCorrupt) {
			t.Errorf("entry 9 read as entry 10: %v", err)
		}
	}
}

// TestEntryEveryBit flips each bit of a stored entry: all must be noticed.
func TestEntryEveryBit(t *testing.T) {
	e := Entry{Index: 1, Time: 1, Kind: 16, Payload: []byte("payload")}
	stored := AppendEntry(nil, &e)
	for i := range len(stored) * 8 {
		stored[i/8] ^= 1 << (i % 8)
		if _, err := DecodeEntry(1, stored); !errors.Is(err, ErrCorrupt) {
			t.Errorf("bit %d flipped: %v", i, err)
		}
		stored[i/8] ^= 1 << (i % 8)
	}
	for n := range stored {
		if _, err := DecodeEntry(1, stored[:n]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// FuzzDecodeEntry feeds arbitrary bytes, with a checksum made right so that what lies behind it is reached.
func FuzzDecodeEntry(f *testing.F) {
	f.Add(uint64(1), AppendEntry(nil, &Entry{Index: 1, Kind: 16, Payload: []byte("a")}))
	f.Add(uint64(2), AppendEntry(nil, &Entry{Index: 2, Kind: 16, Payload: bytes.Repeat([]byte("a"), 2*compressFrom)}))
	f.Fuzz(func(t *testing.T, index uint64, b []byte) {
		_, _ = DecodeEntry(index, b)
		if len(b) < entryHeaderSize {
			return
		}
		b = bytes.Clone(b)
		sum := entryChecksum(index, b[:entryHeaderSize-4], b[entryHeaderSize:])
		b[20], b[21], b[22], b[23] = byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24)
		e, err := DecodeEntry(index, b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
				t.Fatalf("unmarked error %v", err)
			}
			return
		}
		again, err := DecodeEntry(index, AppendEntry(nil, &e))
		if err != nil || !bytes.Equal(again.Payload, e.Payload) {
			t.Fatalf("entry does not survive: %v", err)
		}
	})
}

// FuzzStageHeader checks that the header decoder never panics and that what it accepts survives.
func FuzzStageHeader(f *testing.F) {
	f.Add(AppendStageHeader(nil, StageHeader{ID: 1 << 40, Seq: 3}))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, _, err := DecodeStageHeader(b)
		if err != nil {
			return
		}
		if again, _, err := DecodeStageHeader(AppendStageHeader(nil, h)); err != nil || again != h {
			t.Fatalf("%+v became %+v, %v", h, again, err)
		}
	})
}

func TestStages(t *testing.T) {
	var s Stages
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Stage(7, StageHeader{ID: 3}))
	must(s.Stage(8, StageHeader{ID: 9}))
	must(s.Stage(9, StageHeader{ID: 3, Seq: 1}))
	if s.Stage(9, StageHeader{ID: 3, Seq: 3}) == nil {
		t.Error("a missing stage went unnoticed")
	}
	if oldest, ok := s.Oldest(); !ok || oldest != 7 {
		t.Errorf("oldest is %d, %v", oldest, ok)
	}
	if _, err := s.Commit(10, StageHeader{ID: 3, Seq: 1}); err == nil {
		t.Error("commit of fewer stages than there are went through")
	}
	_, err := s.Commit(10, StageHeader{ID: 3, Seq: 2})
	must(err)
	var restored Stages
	restored.Restore(s.All())
	if oldest, ok := restored.Oldest(); !ok || oldest != 8 {
		t.Errorf("oldest is %d, %v", oldest, ok)
	}
	restored.DropAll()
	if _, ok := restored.Oldest(); ok || len(restored.All()) != 0 {
		t.Error("open stages survive DropAll")
	}
}
