package log

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"streamdb/storage"
	"streamdb/storage/storagetest"
)

// recorder is a state machine that checks the contract.
type recorder struct {
	t testing.TB

	mu        sync.Mutex
	applied   uint64
	published uint64
	lastTime  int64
	payloads  []string
	busy      bool

	onApply  func(e Entry) error
	isPublic func(through uint64) // Called by Publish.
}

func (r *recorder) Apply(e Entry) error {
	r.mu.Lock()
	if r.busy || e.Index != r.applied+1 || e.Time <= r.lastTime {
		r.t.Errorf("apply of %d at %d (busy=%v) after %d at %d", e.Index, e.Time, r.busy, r.applied, r.lastTime)
	}
	r.busy = true
	r.mu.Unlock()
	var err error
	if r.onApply != nil {
		err = r.onApply(e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.busy = false
	if err == nil {
		r.applied, r.lastTime = e.Index, e.Time
		if e.Kind >= KindFirstFree {
			r.payloads = append(r.payloads, string(e.Payload))
		}
	}
	return err
}

func (r *recorder) Publish(index uint64) {
	r.mu.Lock()
	if index <= r.published || index > r.applied {
		r.t.Errorf("publish of %d after %d, applied %d", index, r.published, r.applied)
	}
	r.published = index
	r.mu.Unlock()
	if r.isPublic != nil {
		r.isPublic(index)
	}
}

func (r *recorder) state() (applied, published uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.applied, r.published
}

func openDriver(t testing.TB, s *Store, sm StateMachine, opts DriverOptions) *Driver {
	t.Helper()
	d, err := OpenDriver(t.Context(), s, sm, opts)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func user(payload string) Entry { return Entry{Kind: KindFirstFree, Payload: []byte(payload)} }

func TestDriver(t *testing.T) {
	for _, inline := range []bool{false, true} {
		t.Run(fmt.Sprintf("inline=%v", inline), func(t *testing.T) {
			fs := vfs.NewMem()
			s := mustOpen(t, fs)
			sm := &recorder{t: t}
			d := openDriver(t, s, sm, DriverOptions{Inline: inline, EngineVersion: 5, LeaderPayload: []byte("lead")})
			if e, err := s.Entry(1); err != nil || e.Kind != KindLeader || e.EngineVersion != 5 || string(e.Payload) != "lead" {
				t.Errorf("first entry is %+v, %v", e, err)
			}
			var wg sync.WaitGroup
			for w := range 8 {
				wg.Go(func() {
					for i := range 50 {
						f, err := d.Propose(t.Context(), user(fmt.Sprintf("%d/%d", w, i)))
						if err != nil {
							t.Error(err)
							return
						}
						if i%7 == 0 {
							if err := f.Wait(t.Context()); err != nil {
								t.Error(err)
							}
							applied, published := sm.state()
							if applied < f.Index() || published < f.Index() || s.LastIndex() < f.Index() {
								t.Errorf("entry %d resolved, applied %d, published %d, durable %d", f.Index(), applied, published, s.LastIndex())
							}
						}
					}
				})
			}
			wg.Wait()
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Propose(t.Context(), user("late")); !errors.Is(err, ErrStopped) {
				t.Errorf("proposal after close: %v", err)
			}
			if _, published := sm.state(); published != 401 || d.PublishedIndex() != 401 || d.DurableIndex() != 401 {
				t.Errorf("close left %d of 401 published", published)
			}
			_ = s.Close()

			// Replay gives the same, from any entry on.
			s = mustOpen(t, fs)
			again := &recorder{t: t, applied: 100, published: 100}
			var seen uint64
			d = openDriver(t, s, again, DriverOptions{Applied: 100, OnReplay: func(index, last uint64) { seen = index }})
			if seen != 401 || strings.Join(again.payloads, " ") != strings.Join(sm.payloads[99:], " ") {
				t.Errorf("replay up to %d differs", seen)
			}
			if err := errors.Join(d.Close(), s.Close()); err != nil {
				t.Fatal(err)
			}
			if s.LastIndex() != 402 {
				t.Errorf("the second leader's entry is %d", s.LastIndex())
			}
		})
	}
}

// TestDriverOverlaps shows that an entry is applied while it is being synced, and published after both.
func TestDriverOverlaps(t *testing.T) {
	gate := make(chan struct{})
	var held atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		switch op.Kind {
		case errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo:
			if held.Load() {
				<-gate
			}
		}
		return nil
	}))
	s := mustOpen(t, fs)
	defer s.Close()
	sm := &recorder{t: t}
	d := openDriver(t, s, sm, DriverOptions{})
	defer d.Close()
	held.Store(true)
	f, err := d.Propose(t.Context(), user("a"))
	if err != nil {
		t.Fatal(err)
	}
	<-f.Applied()
	if applied, published := sm.state(); applied != 2 || published != 1 {
		t.Errorf("during the sync %d are applied, %d published", applied, published)
	}
	select {
	case <-f.Done():
		t.Error("resolved before it was durable")
	default:
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.WaitDurable(ctx, 2); !errors.Is(err, context.Canceled) {
		t.Errorf("wait returned %v", err)
	}
	held.Store(false)
	close(gate)
	if err := d.WaitDurable(t.Context(), 2); err != nil {
		t.Error(err)
	}
	if err := f.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if err := d.WaitPublished(t.Context(), 2); err != nil {
		t.Error(err)
	}
}

// TestDriverStops: an error of Apply ends the driver, and everybody who waits hears of it.
func TestDriverStops(t *testing.T) {
	for _, inline := range []bool{false, true} {
		s := mustOpen(t, vfs.NewMem())
		broken := errors.New("broken")
		sm := &recorder{t: t, onApply: func(e Entry) error {
			if string(e.Payload) == "bad" {
				return broken
			}
			return nil
		}}
		stopped := make(chan error, 1)
		d := openDriver(t, s, sm, DriverOptions{Inline: inline, OnStop: func(err error) { stopped <- err }})
		f, err := d.Propose(t.Context(), user("bad"))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Wait(t.Context()); !errors.Is(err, broken) || !errors.Is(err, ErrStopped) || !errors.Is(f.Err(), broken) {
			t.Errorf("outcome %v", err)
		}
		<-f.Applied()
		if err := <-stopped; !errors.Is(err, broken) {
			t.Errorf("stopped because of %v", err)
		}
		if _, err := d.Propose(t.Context(), user("next")); !errors.Is(err, broken) {
			t.Errorf("next proposal: %v", err)
		}
		if err := d.WaitDurable(t.Context(), 100); !errors.Is(err, broken) {
			t.Errorf("wait: %v", err)
		}
		if err := d.Close(); !errors.Is(err, broken) {
			t.Errorf("close: %v", err)
		}
		_ = s.Close()
	}
}

// TestDriverPushesBack: proposals wait while too much is in flight.
func TestDriverPushesBack(t *testing.T) {
	s := mustOpen(t, vfs.NewMem())
	gate := make(chan struct{})
	sm := &recorder{t: t, onApply: func(e Entry) error {
		if e.Kind >= KindFirstFree {
			<-gate
		}
		return nil
	}}
	d := openDriver(t, s, sm, DriverOptions{PendingBytesMax: 100})
	for range 10 {
		if _, err := d.Propose(t.Context(), user("0123456789")); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := d.Propose(ctx, user("x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the eleventh: %v", err)
	}
	close(gate)
	f, err := d.Propose(t.Context(), user(strings.Repeat("x", 1000))) // Larger than the bound: let through alone.
	if err != nil || f.Wait(t.Context()) != nil {
		t.Error(err)
	}
	if _, err := d.Propose(t.Context(), Entry{Kind: KindFirstFree, Payload: make([]byte, MaxEntryBytes+1)}); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if err := errors.Join(d.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

// TestDriverSeals: an idle log is sealed once, and not before its time.
func TestDriverSeals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := mustOpen(t, vfs.NewMem())
		d := openDriver(t, s, &recorder{t: t}, DriverOptions{Inline: true})
		sealed := func() bool {
			s.committing.Lock()
			defer s.committing.Unlock()
			return s.sealed
		}
		time.Sleep(sealAfter / 2)
		synctest.Wait()
		if sealed() {
			t.Error("sealed too early")
		}
		time.Sleep(sealAfter)
		synctest.Wait()
		if !sealed() {
			t.Error("not sealed")
		}
		if f, err := d.Propose(t.Context(), user("a")); err != nil || f.Wait(t.Context()) != nil || sealed() {
			t.Error("still sealed after an append", err)
		}
		if err := errors.Join(d.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestReplayRefusesForeignLog(t *testing.T) {
	s := mustOpen(t, vfs.NewMem())
	defer s.Close()
	if err := s.Append(groupOf(1, 10)); err != nil {
		t.Fatal(err)
	}
	if err := s.TruncateBefore(5); err != nil {
		t.Fatal(err)
	}
	for _, applied := range []uint64{0, 3, 10} {
		err := Replay(t.Context(), s, &recorder{t: t, applied: applied}, applied, nil)
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("checkpoint at %d: %v", applied, err)
		}
	}
	for _, applied := range []uint64{4, 9} {
		sm := &recorder{t: t, applied: applied, published: applied}
		if err := Replay(t.Context(), s, sm, applied, nil); err != nil || sm.published != 9 {
			t.Errorf("checkpoint at %d: %v, published %d", applied, err, sm.published)
		}
	}
}

// TestDiskFull fills the disk through the driver: refused in time with ErrDiskFull, nothing hangs, nothing acknowledged is
// lost, and with room it goes on. Then somebody else fills the disk.
func TestDiskFull(t *testing.T) {
	quota := storagetest.NewQuota(vfs.NewMem(), 48<<20)
	var noTables atomic.Bool
	fs := errorfs.Wrap(quota, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if noTables.Load() && op.Kind == errorfs.OpCreate && strings.HasSuffix(op.Path, ".sst") {
			return syscall.ENOSPC
		}
		return nil
	}))
	dir, err := storage.OpenDir("/db", storage.DirOptions{FS: fs, Guard: storage.GuardOptions{
		BallastBytes: 4 << 20, ReserveBytes: 6 << 20, Sleep: func(time.Duration) { time.Sleep(time.Millisecond) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	failures := make(chan error, 1000)
	opts := Options{FS: dir.FS(), Space: dir.Guard(), OnBackgroundError: func(err error) {
		select {
		case failures <- err:
		default:
		}
	}}
	s, err := OpenStore(dir.LogPath(), opts)
	if err != nil {
		t.Fatal(err)
	}
	sm := &recorder{t: t}
	d := openDriver(t, s, sm, DriverOptions{Inline: true})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	rng := rand.New(rand.NewPCG(1, 1))
	write := func() error {
		payload := make([]byte, 64<<10)
		for i := range payload {
			payload[i] = byte(rng.Uint32())
		}
		f, err := d.Propose(ctx, Entry{Kind: KindFirstFree, Payload: payload})
		if err == nil {
			err = f.Wait(ctx)
		}
		return err
	}
	n := 0
	for ; err == nil; n++ {
		err = write()
	}
	if !errors.Is(err, ErrDiskFull) || n < 100 {
		t.Fatalf("after %d entries: %v", n, err)
	}
	quota.Resize(96 << 20)
	for range 50 {
		if err := write(); err != nil {
			t.Fatalf("there is room again: %v", err)
		}
	}
	// Somebody else takes the rest, and the reserve and the ballast with it, so that a flush fails over and over.
	noTables.Store(true)
	var flushing sync.WaitGroup
	flushing.Go(func() {
		if err := s.DB.Flush(); err != nil { // Hangs until there is room.
			t.Error(err)
		}
	})
	defer flushing.Wait()
	for range 3 {
		select {
		case <-failures:
		case <-ctx.Done():
			t.Fatal("no flush has failed")
		}
	}
	if err := write(); !errors.Is(err, ErrDiskFull) {
		t.Errorf("refused with %v", err)
	}
	noTables.Store(false)
	for err = write(); errors.Is(err, ErrDiskFull) && ctx.Err() == nil; err = write() {
		time.Sleep(time.Millisecond) // Until the flush has succeeded and the ballast is back.
	}
	if err != nil {
		t.Errorf("there is room again: %v", err)
	}
	applied, _ := sm.state()
	if err := errors.Join(d.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	if s, err = OpenStore(dir.LogPath(), opts); err != nil {
		t.Fatal(err)
	}
	again := &recorder{t: t}
	if err := Replay(t.Context(), s, again, 0, nil); err != nil || again.applied != applied {
		t.Errorf("%d entries of %d: %v", again.applied, applied, err)
	}
	for i := range sm.payloads {
		if sm.payloads[i] != again.payloads[i] {
			t.Fatalf("entry %d differs", i)
		}
	}
	_ = s.Close()
	_ = dir.Close()
}

// TestDriverCrash pulls the plug under concurrent proposers: what was acknowledged is there.
func TestDriverCrash(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		disk := storagetest.NewDisk()
		s := mustOpen(t, disk.FS())
		d := openDriver(t, s, &recorder{t: t}, DriverOptions{Inline: seed%2 == 0})
		disk.CrashAt(5+int(seed)*9, int(seed%3)*40, seed)
		var mu sync.Mutex
		acked := make(map[uint64]string)
		var wg sync.WaitGroup
		for w := range 6 {
			wg.Go(func() {
				for i := range 40 {
					text := fmt.Sprintf("%d/%d", w, i)
					f, err := d.Propose(t.Context(), user(text))
					if err != nil || f.Wait(t.Context()) != nil {
						t.Error("propose", err)
						return
					}
					if disk.Crashed() != nil {
						return
					}
					mu.Lock()
					acked[f.Index()] = text
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		_ = d.Close()
		_ = s.Close()
		crashed := disk.Crashed()
		if crashed == nil {
			crashed = disk.CrashNow(0, seed)
		}
		s, err := openTest(crashed)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for index, text := range acked {
			if e, err := s.Entry(index); err != nil || string(e.Payload) != text {
				t.Errorf("seed %d: acknowledged entry %d is %q, %v", seed, index, e.Payload, err)
			}
		}
		_ = s.Close()
	}
}
