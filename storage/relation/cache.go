package relation

import (
	"container/list"
	"sync"
	"sync/atomic"
)

// Cache keeps decoded blocks of segments up to a number of bytes, dropping those not
// used for longest. One cache serves all relations. A nil Cache keeps nothing.
type Cache struct {
	bytesMax int64
	keys     atomic.Uint64

	mu      sync.Mutex // guards the rest
	bytes   int64
	entries map[cacheKey]*list.Element
	recent  list.List // of *cacheEntry, last used first
}

type cacheKey struct {
	segment uint64
	block   int
}

type cacheEntry struct {
	key   cacheKey
	d     *data
	bytes int64
}

// NewCache makes a cache of at most bytesMax bytes.
func NewCache(bytesMax int64) *Cache {
	return &Cache{bytesMax: bytesMax, entries: map[cacheKey]*list.Element{}}
}

// Bytes returns the bytes held.
func (c *Cache) Bytes() int64 {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}

func (c *Cache) newKey() uint64 {
	if c == nil {
		return 0
	}
	return c.keys.Add(1)
}

func (c *Cache) get(segment uint64, block int) *data {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[cacheKey{segment, block}]
	if !ok {
		return nil
	}
	c.recent.MoveToFront(e)
	return e.Value.(*cacheEntry).d
}

func (c *Cache) put(segment uint64, block int, d *data) {
	if c == nil {
		return
	}
	n := d.bytes()
	c.mu.Lock()
	defer c.mu.Unlock()
	key := cacheKey{segment, block}
	if _, ok := c.entries[key]; ok || n > c.bytesMax {
		return
	}
	c.entries[key] = c.recent.PushFront(&cacheEntry{key, d, n})
	for c.bytes += n; c.bytes > c.bytesMax; {
		last := c.recent.Remove(c.recent.Back()).(*cacheEntry)
		delete(c.entries, last.key)
		c.bytes -= last.bytes
	}
}
