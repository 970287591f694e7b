package log

import (
	"fmt"
	"time"
)

// sealAfter is how long the log is idle before it is sealed. It costs one sync per idle period, off everybody's path; a
// client that writes again as soon as it has its answer never meets it.
const sealAfter = 20 * time.Millisecond

// appendLoop is the appender: it commits what has queued up, one group after the other, until the driver stops or is
// closed and the queue is empty.
func (d *Driver) appendLoop() {
	defer d.workers.Done()
	for {
		group, end := d.nextGroup()
		if end {
			return
		}
		if group == nil {
			if err := d.idle(); err != nil {
				d.stop(err)
				return
			}
			continue
		}
		if err := d.store.Append(group); err != nil {
			d.stop(fmt.Errorf("append entry %d: %w", group[0].Index, err))
			return
		}
		d.mu.Lock()
		d.durable = group[len(group)-1].Index
		d.notifyLocked()
		d.mu.Unlock()
		d.publish()
	}
}

// idle waits for something to append, sealing the log when nothing comes.
func (d *Driver) idle() error {
	timer := time.NewTimer(sealAfter)
	defer timer.Stop()
	select {
	case <-d.appendWake:
		return nil
	case <-timer.C:
	}
	if err := d.store.Seal(); err != nil {
		return err
	}
	<-d.appendWake
	return nil
}

// nextGroup takes queued entries up to groupBytesMax, at least one. It returns nil if there is none, and end if there
// will be none.
func (d *Driver) nextGroup() (group []Entry, end bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil, true
	}
	n, bytes := 0, 0
	for n < len(d.toAppend) && (n == 0 || bytes+len(d.toAppend[n].Payload) <= groupBytesMax) {
		bytes += len(d.toAppend[n].Payload)
		n++
	}
	if n == 0 {
		return nil, d.closing
	}
	group = d.toAppend[:n:n]
	if d.toAppend = d.toAppend[n:]; len(d.toAppend) == 0 {
		d.toAppend = nil // The group owns the array now.
	}
	return group, false
}

// applyLoop is the applier, where applying is not inline.
func (d *Driver) applyLoop() {
	defer d.workers.Done()
	for {
		d.mu.Lock()
		todo := d.toApply
		d.toApply = nil
		end := d.err != nil || d.closing && len(todo) == 0
		d.mu.Unlock()
		if end {
			return
		}
		if len(todo) == 0 {
			<-d.applyWake
			continue
		}
		for i := range todo {
			if !d.apply(todo[i], d.future(todo[i].Index)) {
				return
			}
		}
	}
}

// future finds the future of an entry that is not applied yet, hence pending; nil if the driver has stopped.
func (d *Driver) future(index uint64) *Future {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err != nil {
		return nil
	}
	return d.pending[index-d.pending[0].index]
}

// apply applies one entry and says whether to go on.
func (d *Driver) apply(e Entry, f *Future) bool {
	if f == nil {
		return false
	}
	if err := d.sm.Apply(e); err != nil {
		d.stop(fmt.Errorf("apply entry %d: %w", e.Index, err))
		return false
	}
	d.mu.Lock()
	if d.err != nil {
		d.mu.Unlock()
		return false
	}
	d.applied = e.Index
	close(f.applied)
	d.notifyLocked()
	d.mu.Unlock()
	d.publish()
	return true
}

// publish publishes and resolves everything that is durable and applied, unless somebody is at it: then that one goes on
// until nothing is left, which includes what we have just made publishable.
func (d *Driver) publish() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.publishing {
		return
	}
	d.publishing = true
	defer func() { d.publishing = false }()
	for d.err == nil {
		through := min(d.applied, d.durable)
		if through == d.published {
			return
		}
		d.mu.Unlock()
		d.sm.Publish(through)
		d.mu.Lock()
		if d.err != nil {
			return
		}
		d.resolveLocked(through)
	}
}

// resolveLocked answers the proposals up to and including index.
func (d *Driver) resolveLocked(index uint64) {
	n := int(index - d.published)
	for i, f := range d.pending[:n] {
		d.bytes -= f.bytes
		close(f.done)
		d.pending[i] = nil
	}
	d.pending = d.pending[n:]
	d.published = index
	d.notifyLocked()
}

// stop ends the driver because of err: every proposal in flight has an unknown outcome, and none is accepted any more.
// Entries that were applied but are not durable are in the state machine's memory and perhaps nowhere else, so the node
// must end, too; that is for OnStop to see to.
func (d *Driver) stop(err error) {
	d.mu.Lock()
	if d.err != nil {
		d.mu.Unlock()
		return
	}
	d.err = fmt.Errorf("%w: %w", ErrStopped, err)
	for _, f := range d.pending {
		f.err = d.err
		close(f.done)
		if f.index > d.applied {
			close(f.applied)
		}
	}
	d.pending, d.bytes = nil, 0
	d.notifyLocked()
	d.mu.Unlock()
	wake(d.appendWake)
	wake(d.applyWake)
	if d.opts.OnStop != nil {
		d.opts.OnStop(err)
	}
}

// notifyLocked wakes everyone in waitUntil.
func (d *Driver) notifyLocked() {
	if d.changed != nil {
		close(d.changed)
		d.changed = nil
	}
}
