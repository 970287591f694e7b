package relation

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
	"streamdb/storage"
)

// Store is where a relation's segments lie; *storage.Store is one.
type Store interface {
	CreateSegment(storage.SegmentOptions) (*storage.SegmentWriter, error)
	OpenSegment(id uint64) (*storage.Segment, error)
	ReleaseSegment(id uint64) error
}

// admitter is a Store that knows whether there is room for n more bytes.
type admitter interface {
	Admit(n int64) error
}

var (
	_ Store    = (*storage.Store)(nil)
	_ admitter = (*storage.Store)(nil)
)

// The segment of a run has the run's blocks and these sections:
//
//	run     version | from | to | rows | columns | (column id)… ; all uvarints
//	fence   the key columns of each block's first row, as an encoded chunk; absent in a heap
//	filter  the words of the key filter, little-endian; absent when there is none
//
//	block = rows | columns | length of weights | length of column… | weights | column…
//
// Each column stands alone, so that a reader decodes those it wants. Prefixes are not
// stored: they follow from the key columns.
const (
	segmentVersion = 1
	sectionRun     = "run"
	sectionFence   = "fence"
	sectionFilter  = "filter"
)

// segment is a run's file, seen with the columns of a layout.
type segment struct {
	file  *segmentFile
	l     *layout
	src   []int // stored position of each column of l; -1: not stored, reads as its default
	cache *Cache
	key   uint64 // names the segment in the cache
}

// segmentFile is an open segment. It is closed, and released to the store, when the
// last run that refers to it has been collected or the relation is closed.
type segmentFile struct {
	*fileHandle
	ids []ColumnID // of the stored columns

	filterOnce sync.Once
	filter     filter
	filterErr  error
}

// fileHandle is what the cleanup of a segmentFile needs.
type fileHandle struct {
	seg     *storage.Segment
	store   Store
	id      uint64
	created bool // and not released yet
	once    sync.Once
	closed  atomic.Bool
	err     error
}

func (h *fileHandle) close() error {
	h.once.Do(func() {
		if h.created {
			h.err = h.store.ReleaseSegment(h.id)
		}
		h.err = errors.Join(h.err, h.seg.Close())
		h.closed.Store(h.err == nil)
	})
	return h.err
}

// openFile opens a segment; created tells that this process wrote it and no one has
// released it.
func openFile(store Store, id uint64, created bool) (*segmentFile, error) {
	seg, err := store.OpenSegment(id)
	if err != nil {
		return nil, err
	}
	h := &fileHandle{seg: seg, store: store, id: id, created: created}
	f := &segmentFile{fileHandle: h}
	runtime.AddCleanup(f, func(h *fileHandle) { _ = h.close() }, h)
	return f, nil
}

func (f *segmentFile) corrupt(what string, err error) error {
	if err == nil {
		return fmt.Errorf("segment %s: %s: %w", f.seg.Path(), what, storage.ErrCorrupt)
	}
	return fmt.Errorf("segment %s: %s: %w: %w", f.seg.Path(), what, storage.ErrCorrupt, err)
}

// keyFilter reads the key filter at its first use.
func (f *segmentFile) keyFilter() (filter, error) {
	f.filterOnce.Do(func() {
		raw, err := f.seg.Section(sectionFilter)
		if err != nil || raw == nil {
			f.filterErr = err
			return
		}
		f.filter = make(filter, len(raw)/8)
		for i := range f.filter {
			f.filter[i] = binary.LittleEndian.Uint64(raw[8*i:])
		}
	})
	return f.filter, f.filterErr
}

// present returns the file as a segment with the columns of l.
func (f *segmentFile) present(l *layout, cache *Cache) *segment {
	s := &segment{file: f, l: l, cache: cache, key: cache.newKey(), src: make([]int, len(l.schema))}
	for i, c := range l.spec.Columns {
		s.src[i] = -1
		for k, id := range f.ids {
			if id == c.ID {
				s.src[i] = k
			}
		}
	}
	return s
}

// load returns block b with all columns.
func (s *segment) load(b int) (*data, error) {
	if d := s.cache.get(s.key, b); d != nil {
		return d, nil
	}
	d, err := s.read(b, nil)
	if err != nil {
		return nil, err
	}
	s.cache.put(s.key, b, d)
	return d, nil
}

// read decodes block b past the cache; with want only those columns, and no prefix.
func (s *segment) read(b int, want []int) (*data, error) {
	raw, err := s.file.seg.BlockUncached(b)
	if err != nil {
		return nil, err
	}
	d, err := s.decode(raw, want)
	if err != nil {
		return nil, s.file.corrupt(fmt.Sprintf("block %d", b), err)
	}
	if d.rows != s.file.seg.Blocks()[b].Rows {
		return nil, s.file.corrupt(fmt.Sprintf("block %d has %d rows", b, d.rows), nil)
	}
	return d, nil
}

var errBlock = errors.New("malformed block")

func (s *segment) decode(raw []byte, want []int) (*data, error) {
	rows, raw, ok := uvarint(raw)
	stored, raw, ok2 := uvarint(raw)
	if !ok || !ok2 || rows == 0 || rows > chunk.CellsMax || stored != uint64(len(s.file.ids)) {
		return nil, errBlock
	}
	parts := make([][]byte, stored+1) // weights, then the columns
	lens := make([]uint64, stored+1)
	for i := range lens {
		if lens[i], raw, ok = uvarint(raw); !ok {
			return nil, errBlock
		}
	}
	for i, n := range lens {
		if n > uint64(len(raw)) {
			return nil, errBlock
		}
		parts[i], raw = raw[:n], raw[n:]
	}
	d := &data{rows: int(rows), cols: make([]*chunk.Column, len(s.src)), packed: make([]bool, len(s.src))}
	if len(parts[0]) > 0 {
		w, err := decodeColumn(parts[0], types.Int8, d.rows)
		if err != nil {
			return nil, err
		}
		d.weights = w.Ints
	}
	if want == nil {
		want = s.l.all
	}
	for _, i := range want {
		c := s.l.spec.Columns[i]
		if s.src[i] < 0 {
			d.cols[i] = constant(c.Type, c.Default, d.rows)
			continue
		}
		col, err := decodeColumn(parts[1+s.src[i]], c.Type, d.rows)
		if err != nil {
			return nil, err
		}
		d.cols[i] = col
	}
	if len(want) == len(s.l.all) && !s.l.heap {
		d.prefix = s.l.prefixesOf(d.cols, d.rows)
	}
	return d, nil
}

func decodeColumn(b []byte, t types.Type, rows int) (*chunk.Column, error) {
	c, rest, err := chunk.DecodeColumn(b, rows)
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 || c.Type.Class() != t.Class() {
		return nil, errBlock
	}
	c.Type = t
	return c, nil
}

func uvarint(b []byte) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}

// constant returns a column of n times d.
func constant(t types.Type, d types.Datum, n int) *chunk.Column {
	c := chunk.NewColumn(t, n)
	c.AppendDatum(d)
	return c.Gather(make([]int32, n))
}

// runWriter writes a run's segment block by block.
type runWriter struct {
	l      *layout
	w      *storage.SegmentWriter
	out    *run
	filter filter
	buf    []byte
	hashes []uint64
}

// newRunWriter begins a segment for at most rowsMax rows.
func newRunWriter(l *layout, store Store, from, to Epoch, rowsMax int) (*runWriter, error) {
	w, err := store.CreateSegment(storage.SegmentOptions{})
	if err != nil {
		return nil, err
	}
	rw := &runWriter{l: l, w: w, out: &run{from: from, to: to}}
	if !l.heap {
		rw.out.fence = make([]*chunk.Column, len(l.schema))
		for _, k := range l.keyCols {
			rw.out.fence[k] = chunk.NewColumn(l.schema[k], 0)
		}
		if rowsMax >= filterRowsMin && len(l.keyCols) > 0 {
			rw.filter = newFilter(rowsMax)
		}
	}
	return rw, nil
}

// add writes one block. keep leaves its content in memory.
func (w *runWriter) add(d *data, keep bool) error {
	key := binary.BigEndian.AppendUint64(nil, uint64(len(w.out.blocks)))
	if !w.l.heap {
		key = binary.BigEndian.AppendUint64(nil, d.prefix.at(0))
		w.out.first = append(w.out.first, d.prefix.at(0))
		for _, k := range w.l.keyCols {
			w.out.fence[k].AppendRows(d.cols[k], []int32{0})
		}
	}
	if w.filter != nil {
		if len(w.hashes) < d.rows {
			w.hashes = make([]uint64, d.rows)
		}
		chunk.HashRows(project(d.cols, w.l.keyCols), d.rows, w.hashes)
		w.filter.addAll(w.hashes[:d.rows])
	}
	var err error
	if w.buf, err = appendBlock(w.buf[:0], d); err != nil {
		return err
	}
	if err := w.w.AddBlock(key, d.rows, w.buf); err != nil {
		return err
	}
	b := block{rows: d.rows}
	if keep {
		b.data = d
		w.out.bytes += d.bytes()
	}
	w.out.blocks = append(w.out.blocks, b)
	w.out.rows += d.rows
	return nil
}

func appendBlock(dst []byte, d *data) ([]byte, error) {
	var parts []byte
	lens := make([]int, 0, len(d.cols)+1)
	if d.weights != nil {
		w := chunk.Column{Type: types.Int8, Ints: d.weights}
		parts, _ = chunk.AppendColumn(parts, &w)
	}
	lens = append(lens, len(parts))
	for _, c := range d.cols {
		before := len(parts)
		var err error
		if parts, err = chunk.AppendColumn(parts, c); err != nil {
			return nil, err
		}
		lens = append(lens, len(parts)-before)
	}
	dst = binary.AppendUvarint(dst, uint64(d.rows))
	dst = binary.AppendUvarint(dst, uint64(len(d.cols)))
	for _, n := range lens {
		dst = binary.AppendUvarint(dst, uint64(n))
	}
	return append(dst, parts...), nil
}

// finish completes the file and returns the run.
func (w *runWriter) finish(store Store, cache *Cache) (*run, error) {
	r := w.out
	head := []byte{segmentVersion}
	for _, v := range []uint64{uint64(r.from), uint64(r.to), uint64(r.rows), uint64(len(w.l.schema))} {
		head = binary.AppendUvarint(head, v)
	}
	ids := make([]ColumnID, len(w.l.schema))
	for i, c := range w.l.spec.Columns {
		ids[i] = c.ID
		head = binary.AppendUvarint(head, uint64(c.ID))
	}
	if err := w.w.AddSection(sectionRun, head); err != nil {
		return nil, err
	}
	if err := w.addDerived(); err != nil {
		return nil, err
	}
	meta, err := w.w.Finish()
	if err != nil {
		return nil, err
	}
	f, err := openFile(store, meta.ID, true)
	if err != nil {
		return nil, errors.Join(err, store.ReleaseSegment(meta.ID))
	}
	f.ids = ids
	f.filterOnce.Do(func() { f.filter = w.filter })
	r.seg = f.present(w.l, cache)
	r.bytes += fenceBytes(w.l, r) + int64(len(w.filter))*8
	return r, nil
}

// addDerived writes fence and filter.
func (w *runWriter) addDerived() error {
	if w.l.heap {
		return nil
	}
	fence := &chunk.Chunk{Rows: len(w.out.blocks), Cols: project(w.out.fence, w.l.keyCols)}
	b, err := chunk.AppendChunk(nil, fence)
	if err != nil {
		return err
	}
	if err := w.w.AddSection(sectionFence, b); err != nil || w.filter == nil {
		return err
	}
	words := make([]byte, 0, 8*len(w.filter))
	for _, x := range w.filter {
		words = binary.LittleEndian.AppendUint64(words, x)
	}
	return w.w.AddSection(sectionFilter, words)
}

func fenceBytes(l *layout, r *run) int64 {
	n := int64(96 + 8*len(r.first) + 40*len(r.blocks))
	for _, c := range r.fence {
		if c != nil {
			n += columnBytes(c)
		}
	}
	return n
}

// openRun opens the run in a segment; no block is read.
func openRun(l *layout, store Store, cache *Cache, id uint64) (*run, error) {
	f, err := openFile(store, id, false)
	if err != nil {
		return nil, err
	}
	r, err := f.readRun(l)
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	r.seg = f.present(l, cache)
	r.bytes = fenceBytes(l, r)
	return r, nil
}

// readRun reads the sections that describe the run.
func (f *segmentFile) readRun(l *layout) (*run, error) {
	head, err := f.seg.Section(sectionRun)
	if err != nil {
		return nil, err
	}
	if len(head) == 0 || head[0] != segmentVersion {
		return nil, f.corrupt("unknown run version", nil)
	}
	var v [4]uint64
	head, ok := head[1:], true
	for i := range v {
		if v[i], head, ok = uvarint(head); !ok {
			return nil, f.corrupt("run section", nil)
		}
	}
	for range v[3] {
		var id uint64
		if id, head, ok = uvarint(head); !ok {
			return nil, f.corrupt("run section", nil)
		}
		f.ids = append(f.ids, ColumnID(id))
	}
	r := &run{from: Epoch(v[0]), to: Epoch(v[1])}
	for _, b := range f.seg.Blocks() {
		r.blocks = append(r.blocks, block{rows: b.Rows})
		r.rows += b.Rows
	}
	if uint64(r.rows) != v[2] || r.rows == 0 {
		return nil, f.corrupt(fmt.Sprintf("%d rows, not %d", r.rows, v[2]), nil)
	}
	if l.heap {
		return r, nil
	}
	return r, f.readFence(l, r)
}

func (f *segmentFile) readFence(l *layout, r *run) error {
	raw, err := f.seg.Section(sectionFence)
	if err != nil {
		return err
	}
	fence, _, err := chunk.DecodeChunk(raw)
	if err != nil || fence.Rows != len(r.blocks) || len(fence.Cols) != len(l.keyCols) {
		return f.corrupt("fence", err)
	}
	r.fence = make([]*chunk.Column, len(l.schema))
	for i, k := range l.keyCols {
		if fence.Cols[i].Type.Class() != l.schema[k].Class() {
			return f.corrupt("fence type", nil)
		}
		fence.Cols[i].Type = l.schema[k]
		r.fence[k] = fence.Cols[i]
	}
	r.first = make([]uint64, len(r.blocks))
	if len(l.keyCols) > 0 {
		l.order.Prefixes(r.fence, len(r.blocks), r.first)
	} else {
		// The order is by all columns; the first keys of the blocks are their prefixes.
		for i, b := range f.seg.Blocks() {
			if len(b.FirstKey) != 8 {
				return f.corrupt("first key", nil)
			}
			r.first[i] = binary.BigEndian.Uint64(b.FirstKey)
		}
	}
	return nil
}
