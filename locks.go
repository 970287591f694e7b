package streamdb

import (
	"context"
	"strings"
	"sync"

	"streamdb/sql/pgcatalog"
	"streamdb/sql/types"
)

// lockKey is an advisory lock's key: one bigint, or two integers.
type lockKey struct {
	class, object uint32
	sub           int // 1 or 2, see pgcatalog.Lock
}

// lockHolder is a session's hold on a key.
type lockHolder struct {
	pid    uint32
	shared bool
	// session and transaction count how often it is held for which lifetime.
	session, transaction int
}

// advisoryLocks is the advisory locks of a node.
type advisoryLocks struct {
	mu   sync.Mutex
	held map[lockKey][]*lockHolder
	// turned is closed and replaced when a lock is given back.
	turned chan struct{}
}

// tryLock takes a lock if nobody is in the way. mu is held.
func (l *advisoryLocks) tryLock(k lockKey, pid uint32, shared, xact bool) bool {
	var mine *lockHolder
	for _, h := range l.held[k] {
		if h.pid == pid && h.shared == shared {
			mine = h
		} else if h.pid != pid && !(shared && h.shared) {
			return false
		}
	}
	if mine == nil {
		mine = &lockHolder{pid: pid, shared: shared}
		if l.held == nil {
			l.held = make(map[lockKey][]*lockHolder)
		}
		l.held[k] = append(l.held[k], mine)
	}
	if xact {
		mine.transaction++
	} else {
		mine.session++
	}
	return true
}

// lock waits for a lock.
func (l *advisoryLocks) lock(ctx context.Context, k lockKey, pid uint32, shared, xact bool) error {
	for {
		l.mu.Lock()
		if l.tryLock(k, pid, shared, xact) {
			l.mu.Unlock()
			return nil
		}
		if l.turned == nil {
			l.turned = make(chan struct{})
		}
		turned := l.turned
		l.mu.Unlock()
		select {
		case <-turned:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// unlock gives one session-level hold back.
func (l *advisoryLocks) unlock(k lockKey, pid uint32, shared bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.held[k] {
		if h.pid == pid && h.shared == shared && h.session > 0 {
			h.session--
			l.sweep(k)
			return true
		}
	}
	return false
}

// sweep forgets holders without holds and wakes who waits. mu is held.
func (l *advisoryLocks) sweep(k lockKey) {
	var keep []*lockHolder
	for _, h := range l.held[k] {
		if h.session > 0 || h.transaction > 0 {
			keep = append(keep, h)
		}
	}
	if len(keep) == 0 {
		delete(l.held, k)
	} else {
		l.held[k] = keep
	}
	if l.turned != nil {
		close(l.turned)
		l.turned = nil
	}
}

func (l *advisoryLocks) release(pid uint32, session bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k, hs := range l.held {
		for _, h := range hs {
			if h.pid == pid {
				h.transaction = 0
				if session {
					h.session = 0
				}
			}
		}
		l.sweep(k)
	}
}

func (l *advisoryLocks) releaseTransaction(pid uint32) { l.release(pid, false) }
func (l *advisoryLocks) releaseAll(pid uint32)         { l.release(pid, true) }

func (l *advisoryLocks) list() []pgcatalog.Lock {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []pgcatalog.Lock
	for k, hs := range l.held {
		for _, h := range hs {
			out = append(out, pgcatalog.Lock{PID: h.pid, ClassID: k.class, ObjID: k.object, ObjSub: k.sub, Shared: h.shared, Granted: true})
		}
	}
	return out
}

// advisory runs the advisory lock functions.
func (h *hooks) advisory(name string, a []types.Datum) (types.Datum, error) {
	l, pid := h.s.db.locks(), h.s.start.PID
	if name == "pg_advisory_unlock_all" {
		l.release(pid, true)
		return types.Datum{}, nil
	}
	k := lockKey{class: uint32(uint64(a[0].I) >> 32), object: uint32(a[0].I), sub: 1}
	if len(a) == 2 {
		k = lockKey{class: uint32(a[0].I), object: uint32(a[1].I), sub: 2}
	}
	shared, xact := strings.Contains(name, "shared"), strings.Contains(name, "xact")
	switch {
	case strings.HasPrefix(name, "pg_advisory_unlock"):
		ok := l.unlock(k, pid, shared)
		if !ok {
			h.s.warn("01000", "you don't own a lock of type "+map[bool]string{true: "ShareLock", false: "ExclusiveLock"}[shared])
		}
		return boolean(ok)
	case strings.HasPrefix(name, "pg_try"):
		l.mu.Lock()
		defer l.mu.Unlock()
		return boolean(l.tryLock(k, pid, shared, xact))
	}
	return types.Datum{}, l.lock(h.ctx, k, pid, shared, xact)
}
