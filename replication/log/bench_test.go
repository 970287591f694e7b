package log

import (
	"fmt"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// nothing applies nothing.
type nothing struct{}

func (nothing) Apply(Entry) error { return nil }
func (nothing) Publish(uint64)    {}

// BenchmarkPropose measures acknowledged proposals on the machine's disk: writers that each wait for their answer before
// they propose again.
func BenchmarkPropose(b *testing.B) {
	for _, writers := range []int{1, 64} {
		for _, size := range []int{100, 100_000} {
			b.Run(fmt.Sprintf("writers=%d,bytes=%d", writers, size), func(b *testing.B) {
				s, err := OpenStore(b.TempDir(), Options{FS: vfs.Default})
				if err != nil {
					b.Fatal(err)
				}
				d, err := OpenDriver(b.Context(), s, nothing{}, DriverOptions{Inline: true})
				if err != nil {
					b.Fatal(err)
				}
				payload := make([]byte, size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.ResetTimer()
				var wg sync.WaitGroup
				for w := range writers {
					wg.Go(func() {
						for range (b.N + w) / writers {
							f, err := d.Propose(b.Context(), Entry{Kind: KindFirstFree, Payload: payload})
							if err != nil || f.Wait(b.Context()) != nil {
								b.Error("propose", err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.StopTimer()
				m := s.Metrics()
				b.ReportMetric(float64(m.Entries)/float64(m.Groups), "entries/sync")
				_ = d.Close()
				_ = s.Close()
			})
		}
	}
}

// BenchmarkReplay measures reading and decoding.
func BenchmarkReplay(b *testing.B) {
	s := mustOpen(b, vfs.NewMem())
	defer s.Close()
	const entries = 2000
	var bytes int64
	for i := uint64(1); i <= entries; i += 100 {
		group := groupOf(i, i+100)
		for _, e := range group {
			bytes += int64(len(e.Payload))
		}
		if err := s.Append(group); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(bytes)
	b.ReportAllocs()
	for b.Loop() {
		if err := Replay(b.Context(), s, nothing{}, 0, nil); err != nil {
			b.Fatal(err)
		}
	}
}
