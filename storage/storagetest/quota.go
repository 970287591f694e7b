package storagetest

import (
	"fmt"
	"sync"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Quota is a file system with a size: what would exceed it fails with ENOSPC, like a full disk. Links count once, a
// removed file gives its bytes back at once even if it is open.
type Quota struct {
	vfs.FS

	mu    sync.Mutex
	total int64 // Guarded by mu, as are all below.
	used  int64
	files map[string]*quotaNode
	fails int
}

type quotaNode struct {
	bytes int64
	links int
}

// NewQuota limits fs, which is empty, to total bytes.
func NewQuota(fs vfs.FS, total int64) *Quota {
	return &Quota{FS: fs, total: total, files: make(map[string]*quotaNode)}
}

// Resize changes the size of the disk.
func (q *Quota) Resize(total int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.total = total
}

// Used is the number of bytes in files, Fails how many operations met ENOSPC.
func (q *Quota) Used() (bytes int64, fails int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.used, q.fails
}

// GetDiskUsage implements vfs.FS.
func (q *Quota) GetDiskUsage(string) (vfs.DiskUsage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return vfs.DiskUsage{
		TotalBytes: uint64(q.total), UsedBytes: uint64(q.used), AvailBytes: uint64(max(q.total-q.used, 0)),
	}, nil
}

// Create implements vfs.FS.
func (q *Quota) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := q.FS.Create(name, c)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.unlinkLocked(name)
	n := &quotaNode{links: 1}
	q.files[name] = n
	return &quotaFile{File: f, q: q, node: n}, nil
}

// ReuseForWrite implements vfs.FS. It does not reuse, which is acceptable.
func (q *Quota) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := q.Remove(oldname); err != nil {
		return nil, err
	}
	return q.Create(newname, c)
}

// Link implements vfs.FS.
func (q *Quota) Link(oldname, newname string) error {
	if err := q.FS.Link(oldname, newname); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := q.files[oldname]; n != nil {
		n.links++
		q.files[newname] = n
	}
	return nil
}

// Rename implements vfs.FS.
func (q *Quota) Rename(oldname, newname string) error {
	if err := q.FS.Rename(oldname, newname); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := q.files[oldname]; n != nil {
		q.unlinkLocked(newname)
		delete(q.files, oldname)
		q.files[newname] = n
	}
	return nil
}

// Remove implements vfs.FS.
func (q *Quota) Remove(name string) error {
	if err := q.FS.Remove(name); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.unlinkLocked(name)
	return nil
}

func (q *Quota) unlinkLocked(name string) {
	n := q.files[name]
	if n == nil {
		return
	}
	delete(q.files, name)
	if n.links--; n.links == 0 {
		q.used -= n.bytes
		n.bytes = 0
	}
}

// take charges n more bytes to a file.
func (q *Quota) take(node *quotaNode, n int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.used+n > q.total {
		q.fails++
		return fmt.Errorf("storagetest: %w", syscall.ENOSPC)
	}
	if node.links > 0 {
		q.used += n
		node.bytes += n
	}
	return nil
}

type quotaFile struct {
	vfs.File
	q    *Quota
	node *quotaNode
}

// Write implements vfs.File.
func (f *quotaFile) Write(p []byte) (int, error) {
	if err := f.q.take(f.node, int64(len(p))); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}
