package file

import (
	"io/fs"
	"os"
	"slices"

	"streamdb/sql/chunk"
	"streamdb/sql/format"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// opColumn is the column, or JSON member, in which a changelog tells insertions from
// retractions: "insert" or "delete".
const opColumn = "_op"

// Sink writes changes to a file as JSON lines or CSV.
//
// With changelog = true each row carries _op, and the retractions of a chunk come before
// its insertions, so that a reader who applies line after line sees an updated row go
// before the new one comes. Without it rows are plain, and a retraction has no form:
// the sink's input must be append-only (see NeedsAppendOnly).
//
// Exactly once: the file is a function of its offset. The owner writes an epoch, calls
// Sync, and records the offset it returns together with the epoch. After a restart it
// calls TruncateTo with the recorded offset, which cuts whatever was written later, and
// writes the epochs behind the recorded one again. A reader that stays behind a
// recorded offset never sees a line go away.
//
// A Sink is used by one goroutine.
type Sink struct {
	config
	file   *os.File // nil until needed
	offset int64
	json   *format.JSONEncoder
	text   *format.CopyEncoder
	buf    []byte
	ends   []int
}

// NewSink validates the options of a sink. The file is opened or made when it is first
// needed.
func NewSink(names []string, typs []types.Type, o Options) (*Sink, error) {
	c, err := o.parse(names, typs, "changelog")
	if err != nil {
		return nil, err
	}
	k := &Sink{config: c}
	spec := c.spec
	if c.changelog {
		if slices.Contains(names, opColumn) {
			return nil, invalid("a changelog cannot have a column named %q", opColumn)
		}
		spec.Columns = append(slices.Clone(names), opColumn)
		spec.Schema = append(slices.Clone(spec.Schema), types.Text)
	}
	if c.csv {
		k.text = format.NewCopyEncoder(spec, c.copy)
	} else {
		k.json = format.NewJSONEncoder(spec)
	}
	return k, nil
}

// NeedsAppendOnly reports whether the sink can only take insertions.
func (k *Sink) NeedsAppendOnly() bool { return !k.changelog }

// CheckNew raises what CREATE SINK should: a path that cannot be written to, or one that
// holds data already, which a sink would overwrite.
func (k *Sink) CheckNew() error {
	fi, err := os.Stat(k.path)
	switch {
	case err == nil && !fi.Mode().IsRegular():
		return invalid("%q is not a regular file", k.path)
	case err == nil && fi.Size() > 0:
		return sqlerr.New(sqlerr.DuplicateFile, "file %q is not empty", k.path).
			WithHint("A sink begins with an empty file: remove it, or choose another path.")
	case err != nil && !os.IsNotExist(err):
		return openError(k.path, err)
	}
	return k.open()
}

// CheckHolds raises 58030 if the file is shorter than an offset that Sync has returned.
func (k *Sink) CheckHolds(offset int64) error {
	fi, err := os.Stat(k.path)
	if err != nil {
		return openError(k.path, err)
	}
	return k.holds(fi, offset)
}

func (k *Sink) holds(fi fs.FileInfo, offset int64) error {
	if fi.Size() < offset {
		return sqlerr.New(sqlerr.IOError, "file %q of a sink has %d bytes, but %d were written", k.path, fi.Size(), offset)
	}
	return nil
}

func (k *Sink) open() error {
	if k.file != nil {
		return nil
	}
	f, err := os.OpenFile(k.path, os.O_CREATE|os.O_RDWR, fs.FileMode(0o644))
	if err != nil {
		return openError(k.path, err)
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close() // the first error counts
		return openError(k.path, err)
	}
	k.file, k.offset = f, fi.Size()
	return nil
}

// Write writes the rows of c, each as often as its weight says.
func (k *Sink) Write(c *chunk.Chunk) error {
	if c == nil || c.Rows == 0 {
		return nil
	}
	if err := k.open(); err != nil {
		return err
	}
	rows, err := k.lay(c)
	if err != nil {
		return err
	}
	k.buf, k.ends = k.buf[:0], k.ends[:0]
	if k.text != nil {
		if k.offset == 0 {
			k.buf = k.text.AppendHeader(k.buf)
		}
		k.buf, k.ends, err = k.text.AppendChunk(k.buf, rows, k.ends)
	} else {
		k.buf, k.ends, err = k.json.AppendChunk(k.buf, rows, k.ends)
	}
	if err != nil {
		return err
	}
	if _, err := k.file.WriteAt(k.buf, k.offset); err != nil {
		return sqlerr.Wrap(err, sqlerr.IOError, "could not write to file %q: %v", k.path, err)
	}
	k.offset += int64(len(k.buf))
	return nil
}

// lay returns the rows of c as they are written: each as often as its weight says,
// retractions first, with the column _op if the sink is a changelog.
func (k *Sink) lay(c *chunk.Chunk) (*chunk.Chunk, error) {
	if c.Weights == nil && !k.changelog {
		return c, nil
	}
	if c.Weights == nil {
		return withOp(c, 0), nil
	}
	idx := make([]int32, 0, c.Rows)
	for i, w := range c.Weights {
		for ; w < 0; w++ {
			idx = append(idx, int32(i))
		}
	}
	retractions := len(idx)
	for i, w := range c.Weights {
		for ; w > 0; w-- {
			idx = append(idx, int32(i))
		}
	}
	if !k.changelog {
		if retractions > 0 {
			return nil, sqlerr.Internal("sink to file %q was given a retraction but writes plain rows", k.path)
		}
		return c.Gather(idx), nil
	}
	return withOp(c.Gather(idx), retractions), nil
}

// withOp adds the column _op: the first retractions rows are deleted, the others
// inserted.
func withOp(c *chunk.Chunk, retractions int) *chunk.Chunk {
	op := chunk.NewColumn(types.Text, c.Rows)
	op.Bytes = []byte("deleteinsert")
	for i := range c.Rows {
		v := chunk.View{Off: 6, Len: 6}
		if i < retractions {
			v.Off = 0
		}
		op.Views = append(op.Views, v)
	}
	return &chunk.Chunk{Cols: append(slices.Clone(c.Cols), op), Rows: c.Rows}
}

// Sync makes durable what was written and returns the offset behind it.
func (k *Sink) Sync() (int64, error) {
	if k.file == nil {
		return k.offset, nil
	}
	if err := k.file.Sync(); err != nil {
		return 0, sqlerr.Wrap(err, sqlerr.IOError, "could not sync file %q: %v", k.path, err)
	}
	return k.offset, nil
}

// Seal is Sync: a file is as it should be at every offset.
func (k *Sink) Seal() (int64, error) { return k.Sync() }

// Finish has nothing to do for a file that is read as it grows.
func (k *Sink) Finish(int64) error { return nil }

// Unfinished reports whether rows wait for a checkpoint to be seen: they never do.
func (k *Sink) Unfinished() bool { return false }

// TruncateTo cuts the file at an offset that Sync has returned, and goes on there. A file
// that is shorter has lost what was durable: 58030.
func (k *Sink) TruncateTo(offset int64) error {
	if err := k.open(); err != nil {
		return err
	}
	fi, err := k.file.Stat()
	if err != nil {
		return err
	}
	if err := k.holds(fi, offset); err != nil {
		return err
	}
	if err := k.file.Truncate(offset); err != nil {
		return sqlerr.Wrap(err, sqlerr.IOError, "could not truncate file %q: %v", k.path, err)
	}
	k.offset = offset
	return nil
}

// Close gives the file back; it does not sync.
func (k *Sink) Close() error {
	if k.file == nil {
		return nil
	}
	f := k.file
	k.file = nil
	return f.Close()
}
