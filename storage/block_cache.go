package storage

import (
	"container/list"
	"sync"
)

// BlockCache keeps decompressed blocks up to a number of bytes, dropping those that were not used for longest. It is
// safe for concurrent use and may serve many segments. A nil cache keeps nothing.
type BlockCache struct {
	bytesMax int64

	mu      sync.Mutex
	bytes   int64 // Invariant, unlocked: bytes <= bytesMax. Guarded by mu, as are all below.
	blocks  map[blockKey]*list.Element
	recent  list.List // Of *cachedBlock, most recently used first.
	hits    uint64
	lookups uint64
}

type blockKey struct {
	file  uint64
	block int
}

type cachedBlock struct {
	key  blockKey
	data []byte
}

// NewBlockCache makes a cache of bytesMax bytes.
func NewBlockCache(bytesMax int64) *BlockCache {
	return &BlockCache{bytesMax: bytesMax, blocks: make(map[blockKey]*list.Element)}
}

func (c *BlockCache) get(key blockKey) []byte {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lookups++
	e, ok := c.blocks[key]
	if !ok {
		return nil
	}
	c.hits++
	c.recent.MoveToFront(e)
	return e.Value.(*cachedBlock).data
}

// put keeps a block, unless it is so large that it would sweep out much of the rest.
func (c *BlockCache) put(key blockKey, data []byte) {
	if c == nil || int64(len(data)) > c.bytesMax/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.blocks[key]; ok {
		return
	}
	c.blocks[key] = c.recent.PushFront(&cachedBlock{key: key, data: data})
	c.bytes += int64(len(data))
	for c.bytes > c.bytesMax {
		c.removeLocked(c.recent.Back())
	}
}

// drop forgets the blocks of a file.
func (c *BlockCache) drop(file uint64, blocks int) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range blocks {
		if e, ok := c.blocks[blockKey{file, i}]; ok {
			c.removeLocked(e)
		}
	}
}

func (c *BlockCache) removeLocked(e *list.Element) {
	b := c.recent.Remove(e).(*cachedBlock)
	c.bytes -= int64(len(b.data))
	delete(c.blocks, b.key)
}

// Stats are the bytes held, and how many of the lookups so far were hits.
func (c *BlockCache) Stats() (bytes int64, hits, lookups uint64) {
	if c == nil {
		return 0, 0, 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes, c.hits, c.lookups
}
