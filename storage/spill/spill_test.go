package spill

import (
	"errors"
	"runtime"
	"testing"
	"time"
)

func open(t *testing.T, quota int64) *Pool {
	t.Helper()
	p, err := Open(t.TempDir(), quota)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// TestSpace takes blocks of all sizes, fills them, gives some back and takes others: no two overlap, all are zero at
// first, and the share of the heap is kept.
func TestSpace(t *testing.T) {
	p := open(t, 1<<30)
	const share = 1 << 20
	s := p.NewSpace(share)
	var words [][]uint64
	var bytes [][]byte
	check := func() {
		for i, w := range words {
			for _, v := range w {
				if v != uint64(i)+1 {
					t.Fatalf("block %d holds %d", i, v)
				}
			}
		}
		for i, b := range bytes {
			for _, v := range b {
				if v != byte(i)+1 {
					t.Fatalf("bytes %d hold %d", i, v)
				}
			}
		}
	}
	take := func(n int) {
		w, err := s.Words(n)
		if err != nil {
			t.Fatal(err)
		}
		for i := range w {
			if w[i] != 0 {
				t.Fatal("a block is not zero")
			}
			w[i] = uint64(len(words)) + 1
		}
		words = append(words, w)
		b, err := s.Bytes(n)
		if err != nil || len(b) != 0 || cap(b) < n {
			t.Fatal(err, len(b), cap(b))
		}
		for range n {
			b = append(b, byte(len(bytes))+1)
		}
		bytes = append(bytes, b)
	}
	for i := range 60 {
		take(1 << (i % 20))
		if i == 30 {
			check()
			for _, k := range []int{3, 17, 19, 12} {
				s.FreeWords(words[k])
				s.FreeBytes(bytes[k])
				words[k], bytes[k] = nil, nil
			}
		}
	}
	check()
	if s.held.inHeap > share || s.Spilled() < 8<<20 {
		t.Errorf("%d bytes in the heap, %d in the file", s.held.inHeap, s.Spilled())
	}
}

// TestQuota holds that a full pool is an error, and that a space that is gone makes room.
func TestQuota(t *testing.T) {
	p := open(t, 40<<20)
	s := p.NewSpace(0)
	_, err := s.Words(2 << 20)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Words(4 << 20)
	var q *QuotaError
	if !errors.As(err, &q) || q.Quota != 40<<20 {
		t.Fatalf("beyond the quota: %v", err)
	}
	runtime.KeepAlive(s)
	s = nil
	for end := time.Now().Add(10 * time.Second); p.Used() > 0; time.Sleep(time.Millisecond) {
		if runtime.GC(); time.Now().After(end) {
			t.Fatalf("%d bytes are still held", p.Used())
		}
	}
	if b, err := p.NewSpace(0).Words(2 << 20); err != nil || b[0] != 0 || b[len(b)-1] != 0 {
		t.Fatal("the room is not free again:", err)
	}
}
