package streamdb

import (
	"slices"
	"strings"
)

// planCache keeps the last statements of a session that came as simple queries, parsed and planned: a client that sends
// the same text again pays for neither. The plans are checked against the catalog and settings as those of prepared
// statements are. It belongs to one session, since running a plan may leave notes in it.
type planCache struct {
	byText map[string]*prepared
	// ring is the texts in the order they came, next the one to be forgotten.
	ring [planCacheSize]string
	next int
}

// planCacheSize is the number of statements kept, planTextMax the length of the longest in bytes.
const (
	planCacheSize = 32
	planTextMax   = 2048
)

// get returns the statement of a text, nil if it is not kept.
func (c *planCache) get(text string) *prepared { return c.byText[text] }

// put keeps a statement that has been planned.
func (c *planCache) put(text string, p *prepared) {
	if p.planned == nil || len(text) > planTextMax || c.byText[text] != nil || namesTime(text) {
		return
	}
	if c.byText == nil {
		c.byText = make(map[string]*prepared)
	}
	delete(c.byText, c.ring[c.next])
	c.ring[c.next] = text
	c.next = (c.next + 1) % planCacheSize
	c.byText[text] = p
}

// namesTime reports whether a text may hold a literal that planning turns into a moment, as 'now'::timestamp: in a
// prepared statement it stands still, as in PostgreSQL, but not in one that is sent again.
func namesTime(text string) bool {
	low := strings.ToLower(text)
	return slices.ContainsFunc([]string{"now", "today", "tomorrow", "yesterday"}, func(w string) bool { return strings.Contains(low, w) })
}
