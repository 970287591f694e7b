package relation

import (
	"encoding/binary"
	"fmt"
	"slices"

	"streamdb/sql/chunk"
	"streamdb/storage"
)

// Checkpoint is a relation's part of a checkpoint: what Open needs to find the rows
// again.
type Checkpoint struct {
	Epoch Epoch
	// Manifest is stored by the caller, in the same commit that names Segments.
	Manifest []byte
	Segments []storage.SegmentRef
	// Written counts the segments and their bytes that this checkpoint added.
	Written      int
	WrittenBytes int64

	// runs keeps the segments open until the caller has committed.
	runs []*run
}

// The manifest of a relation, version 1; numbers are uvarints:
//
//	version | epoch | rows (zigzag) | fingerprint 16 bytes | columns | (column id)… | runs | run…
//	run = 0 | from | to | length | encoded chunk       a small run, in place
//	run = 1 | from | to | segment id | segment bytes
const (
	manifestVersion = 1
	runInline       = 0
	runSegment      = 1
)

// inlineBytesMax is the size in memory up to which a run lies in the manifest instead of
// in a file of its own, so that a thousand small views do not cost a thousand files.
const inlineBytesMax = 64 << 10

// Checkpoint writes what of the state of epoch is not on disk yet. It may run beside
// everything else; the state must be available, see Snapshot, or held.
func (r *Relation) Checkpoint(epoch Epoch) (*Checkpoint, error) {
	h, err := r.Hold(epoch, "checkpoint")
	if err != nil {
		return nil, err
	}
	defer h.Release()
	return r.checkpoint(h)
}

// CheckpointHold is Checkpoint of a held state.
func (r *Relation) CheckpointHold(h *Hold) (*Checkpoint, error) { return r.checkpoint(h) }

func (r *Relation) checkpoint(h *Hold) (*Checkpoint, error) {
	s, err := h.Snapshot()
	if err != nil {
		return nil, err
	}
	cp := &Checkpoint{Epoch: s.epoch}
	runs := s.v.runs
	for lo := 0; lo < len(runs); {
		if runs[lo].seg != nil {
			cp.runs = append(cp.runs, runs[lo])
			lo++
			continue
		}
		hi := lo + 1
		for hi < len(runs) && runs[hi].seg == nil {
			hi++
		}
		written, err := r.persist(s.v.layout, runs[lo:hi], cp)
		if err != nil {
			return nil, err
		}
		if written != nil {
			cp.runs = append(cp.runs, written)
		}
		lo = hi
	}
	return cp, cp.encode(s)
}

// persist merges neighbouring runs that are in memory only into one and, unless that
// is small, writes it to a segment.
func (r *Relation) persist(l *layout, window []*run, cp *Checkpoint) (*run, error) {
	claimed := r.claim(window)
	defer r.unclaim(window, claimed)
	merged := window[0]
	if len(window) > 1 {
		var err error
		if merged, err = mergeRuns(l, window); err != nil {
			return nil, err
		}
	}
	if merged != nil && (merged.rows > blockRows || merged.bytes > inlineBytesMax) {
		if r.store == nil {
			return nil, fmt.Errorf("relation %s: no store to write to", l.spec.Name)
		}
		onDisk, err := r.writeRun(l, merged)
		if err != nil {
			return nil, err
		}
		merged = onDisk
		cp.Written++
		cp.WrittenBytes += onDisk.seg.file.seg.Meta().Bytes
	}
	if claimed {
		r.mu.Lock()
		r.replace(window, merged)
		r.mu.Unlock()
	}
	return merged, nil
}

// claim keeps merges away from the runs; false when one of them is being merged.
func (r *Relation) claim(window []*run) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, run := range window {
		if run.merging {
			return false
		}
	}
	for _, run := range window {
		run.merging = true
	}
	return true
}

func (r *Relation) unclaim(window []*run, claimed bool) {
	if !claimed {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, run := range window {
		run.merging = false
	}
}

// writeRun writes a run from memory and returns its twin on disk, whose blocks stay in
// memory as well until Evict.
func (r *Relation) writeRun(l *layout, src *run) (*run, error) {
	w, err := newRunWriter(l, r.store, src.from, src.to, src.rows)
	if err != nil {
		return nil, err
	}
	for i := range src.blocks {
		d, err := src.load(i)
		for _, part := range d.split() {
			if err == nil {
				err = w.add(part, true)
			}
		}
		if err != nil {
			w.w.Abort()
			return nil, err
		}
	}
	out, err := w.finish(r.store, r.cache)
	if err != nil {
		w.w.Abort()
		return nil, err
	}
	r.track(out.seg.file)
	return out, nil
}

// split cuts what came as one large delta into blocks of the usual size.
func (d *data) split() []*data {
	if d == nil || d.rows <= 2*blockRows {
		return []*data{d}
	}
	var parts []*data
	for lo := 0; lo < d.rows; lo += blockRows {
		hi := min(lo+blockRows, d.rows)
		p := &data{rows: hi - lo, packed: make([]bool, len(d.cols)), cols: make([]*chunk.Column, len(d.cols))}
		for i, c := range d.cols {
			p.cols[i] = c.Slice(lo, hi)
			if c.Views != nil {
				p.cols[i], p.packed[i] = pack(p.cols[i]), true
			}
		}
		if d.weights != nil {
			p.weights = d.weights[lo:hi:hi]
		}
		p.prefix = d.prefix.slice(lo, hi)
		parts = append(parts, p)
	}
	return parts
}

// track remembers an open file for Close.
func (r *Relation) track(f *segmentFile) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.files = slices.DeleteFunc(r.files, func(h *fileHandle) bool { return h.closed.Load() })
	r.files = append(r.files, f.fileHandle)
}

func (c *Checkpoint) encode(s *Snapshot) error {
	l := s.v.layout
	b := []byte{manifestVersion}
	b = binary.AppendUvarint(b, uint64(s.v.epoch))
	b = binary.AppendVarint(b, s.v.rows)
	b = binary.BigEndian.AppendUint64(b, s.v.print.Hi)
	b = binary.BigEndian.AppendUint64(b, s.v.print.Lo)
	b = binary.AppendUvarint(b, uint64(len(l.spec.Columns)))
	for _, col := range l.spec.Columns {
		b = binary.AppendUvarint(b, uint64(col.ID))
	}
	b = binary.AppendUvarint(b, uint64(len(c.runs)))
	for _, r := range c.runs {
		kind := byte(runInline)
		if r.seg != nil {
			kind = runSegment
		}
		b = append(b, kind)
		b = binary.AppendUvarint(b, uint64(r.from))
		b = binary.AppendUvarint(b, uint64(r.to))
		if r.seg != nil {
			meta := r.seg.file.seg.Meta()
			c.Segments = append(c.Segments, storage.SegmentRef{ID: meta.ID, Bytes: meta.Bytes})
			b = binary.AppendUvarint(b, meta.ID)
			b = binary.AppendUvarint(b, uint64(meta.Bytes))
			continue
		}
		var err error
		if b, err = appendInline(b, r); err != nil {
			return err
		}
	}
	c.Manifest = b
	return nil
}

func appendInline(b []byte, r *run) ([]byte, error) {
	var body []byte
	for _, blk := range r.blocks {
		d := blk.data
		enc, err := chunk.AppendChunk(nil, &chunk.Chunk{Cols: d.cols, Weights: d.weights, Rows: d.rows})
		if err != nil {
			return nil, err
		}
		body = append(body, enc...)
	}
	b = binary.AppendUvarint(b, uint64(len(body)))
	return append(b, body...), nil
}

// Open returns the relation of a checkpoint's manifest. spec may have columns that the
// checkpoint does not know, which read as their default, but must have all of its
// columns. Segments are opened, not read.
func Open(spec Spec, manifest []byte, store Store, cache *Cache) (*Relation, error) {
	r, err := New(spec)
	if err != nil {
		return nil, err
	}
	r.SetStore(store, cache)
	m := manifestReader{b: manifest}
	if m.byte() != manifestVersion {
		return nil, fmt.Errorf("relation %s: %w: unknown manifest version", spec.Name, storage.ErrCorrupt)
	}
	v := version{epoch: Epoch(m.uvarint()), layout: r.layout, rows: m.varint()}
	v.print = chunk.Hash128{Hi: m.word(), Lo: m.word()}
	ids := make([]ColumnID, 0, 16)
	for range m.count() {
		ids = append(ids, ColumnID(m.uvarint()))
	}
	for range m.count() {
		run, err := r.openManifestRun(&m, ids)
		if err != nil {
			_ = r.Close()
			return nil, fmt.Errorf("relation %s: %w", spec.Name, err)
		}
		v.runs = append(v.runs, run)
	}
	if m.bad {
		_ = r.Close()
		return nil, fmt.Errorf("relation %s: %w: manifest is malformed", spec.Name, storage.ErrCorrupt)
	}
	r.published = v.epoch
	r.prints = []print{{v.epoch, v.print}}
	r.versions.Store(&[]version{v})
	if len(ids) != len(spec.Columns) {
		if err := r.reprint(); err != nil {
			_ = r.Close()
			return nil, err
		}
	}
	return r, nil
}

// openManifestRun reads one run of the manifest.
func (r *Relation) openManifestRun(m *manifestReader, ids []ColumnID) (*run, error) {
	kind, from, to := m.byte(), Epoch(m.uvarint()), Epoch(m.uvarint())
	if kind == runSegment {
		id, size := m.uvarint(), m.uvarint()
		if m.bad {
			return nil, fmt.Errorf("%w: manifest is malformed", storage.ErrCorrupt)
		}
		run, err := openRun(r.layout, r.store, r.cache, id)
		if err != nil {
			return nil, err
		}
		r.track(run.seg.file)
		if got := run.seg.file.seg.Meta().Bytes; uint64(got) != size {
			return nil, run.seg.file.corrupt(fmt.Sprintf("file has %d bytes, not %d", got, size), nil)
		}
		return run, nil
	}
	body := m.bytes(int(m.uvarint()))
	out := &run{from: from, to: to}
	for len(body) > 0 {
		c, rest, err := chunk.DecodeChunk(body)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", storage.ErrCorrupt, err)
		}
		if len(c.Cols) != len(ids) || c.Rows == 0 {
			return nil, fmt.Errorf("%w: columns of a run in the manifest", storage.ErrCorrupt)
		}
		d, err := r.layout.adopt(c, ids)
		if err != nil {
			return nil, err
		}
		out.addBlock(d)
		body = rest
	}
	if m.bad || kind != runInline || out.rows == 0 {
		return nil, fmt.Errorf("%w: manifest is malformed", storage.ErrCorrupt)
	}
	if err := out.rises(r.layout); err != nil {
		return nil, fmt.Errorf("%w: a run in the manifest %w", storage.ErrCorrupt, err)
	}
	out.seal(r.layout)
	return out, nil
}

// adopt turns stored columns into a block of the layout.
func (l *layout) adopt(c *chunk.Chunk, ids []ColumnID) (*data, error) {
	d := &data{rows: c.Rows, weights: c.Weights, cols: make([]*chunk.Column, len(l.schema))}
	for i, col := range l.spec.Columns {
		for k, id := range ids {
			if id == col.ID {
				d.cols[i] = c.Cols[k]
			}
		}
		switch {
		case d.cols[i] == nil:
			d.cols[i] = constant(col.Type, col.Default, c.Rows)
		case d.cols[i].Type.Class() != col.Type.Class():
			return nil, fmt.Errorf("%w: column %d of a run has another type", storage.ErrCorrupt, col.ID)
		default:
			d.cols[i].Type = col.Type
		}
	}
	if !l.heap {
		d.prefix = l.prefixesOf(d.cols, d.rows)
	}
	return d, nil
}

// manifestReader reads a manifest; a fault makes the rest read as zeros.
type manifestReader struct {
	b   []byte
	bad bool
}

func (m *manifestReader) bytes(n int) []byte {
	if n < 0 || n > len(m.b) {
		m.bad, m.b = true, nil
		return nil
	}
	v := m.b[:n]
	m.b = m.b[n:]
	return v
}

func (m *manifestReader) byte() byte {
	if b := m.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (m *manifestReader) word() uint64 {
	if b := m.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (m *manifestReader) uvarint() uint64 {
	v, n := binary.Uvarint(m.b)
	m.bytes(max(n, -1))
	m.bad = m.bad || n <= 0
	return v
}

func (m *manifestReader) varint() int64 {
	v, n := binary.Varint(m.b)
	m.bytes(max(n, -1))
	m.bad = m.bad || n <= 0
	return v
}

// count reads a number of things that take a byte each at least.
func (m *manifestReader) count() int {
	n := m.uvarint()
	if n > uint64(len(m.b)) {
		m.bad = true
		return 0
	}
	return int(n)
}

// SetStore tells where segments go and which cache serves them; before any checkpoint.
func (r *Relation) SetStore(store Store, cache *Cache) {
	r.store, r.cache = store, cache
}

// SetReaders tells who else may ask for states; before the relation is published.
func (r *Relation) SetReaders(readers *Readers) { r.readers = readers }

// Evict drops from memory the blocks that are on disk as well and returns how many
// bytes that were. Readers of older states keep theirs until they are done; states
// before the newest published one are let go of.
func (r *Relation) Evict() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.trim(0)
	freed := int64(0)
	for _, old := range r.newest().runs {
		if old.seg == nil || old.merging || old.blocks[0].data == nil {
			continue
		}
		cold := *old
		cold.blocks = make([]block, len(old.blocks))
		for i, b := range old.blocks {
			cold.blocks[i].rows = b.rows
			cold.bytes -= b.data.bytes()
		}
		freed += old.bytes - cold.bytes
		r.replace([]*run{old}, &cold)
	}
	return freed
}

// Segments returns how many segments the relation has opened and not closed.
func (r *Relation) Segments() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, h := range r.files {
		if !h.closed.Load() {
			n++
		}
	}
	return n
}

// Close closes the segments and gives those to the store that no checkpoint names.
// Nothing may be read from the relation or its snapshots afterwards.
func (r *Relation) Close() error {
	r.mu.Lock()
	files := r.files
	r.files = nil
	r.mu.Unlock()
	var first error
	for _, f := range files {
		if err := f.close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
