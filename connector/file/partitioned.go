package file

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Partitioned is a sink that writes a directory of files, apart by the values of some
// columns, which the files leave out:
//
//	path/day=2026-11-24/hour=15/part-0.csv
//
// A file grows under a hidden name, .part-0.csv, and gets its own by being renamed, when
// it does not change any more: who lists the directory sees whole files only. All files
// that are open are finished together, at a checkpoint, and have its number.
//
// Exactly once: Seal makes durable what was written, and returns the number of the files
// to come, which the owner records together with the epoch; when that is durable, Finish
// renames. After a restart TruncateTo with the recorded number finishes what is sealed
// and deletes what was written later, and the owner writes the epochs behind again.
//
// A Partitioned is used by one goroutine.
type Partitioned struct {
	config
	options Options
	names   []string // of the columns in the files
	typs    chunk.Schema
	by, in  []int // positions of the partition's columns and of the others
	number  int64 // of the files that are written now
	parts   map[string]*part
	sealed  []sealedFile
	key     []byte
}

// part is a file that grows.
type part struct {
	sink *Sink
	rows []int32 // of the chunk that is being written
}

// sealedFile is a file that waits to get its name.
type sealedFile struct {
	number int64
	path   string
}

// openMax is how many files are held open between chunks.
const openMax = 64

// nullPartition is the directory of NULL.
const nullPartition = "__NULL__"

// NewPartitioned validates the options of a sink with partition_by. Directory and files
// are made when they are first needed.
func NewPartitioned(names []string, typs chunk.Schema, o Options) (*Partitioned, error) {
	c, err := o.parse(names, typs, "changelog")
	if err != nil {
		return nil, err
	}
	p := &Partitioned{config: c, parts: make(map[string]*part)}
	for _, n := range c.partitionBy {
		at := slices.Index(names, n)
		switch {
		case at < 0:
			return nil, sqlerr.New(sqlerr.UndefinedColumn, "column %q of partition_by does not exist", n)
		case slices.Contains(p.by, at):
			return nil, invalid("column %q occurs in partition_by twice", n)
		}
		p.by = append(p.by, at)
	}
	for i, n := range names {
		if !slices.Contains(p.by, i) {
			p.in, p.names, p.typs = append(p.in, i), append(p.names, n), append(p.typs, typs[i])
		}
	}
	if len(p.in) == 0 {
		return nil, invalid("partition_by leaves no column for the files")
	}
	p.options = Options{Settings: map[string]string{"path": c.path, "changelog": fmt.Sprint(c.changelog)}, Format: o.Format, Encode: o.Encode, FormatSettings: o.FormatSettings}
	_, err = NewSink(p.names, p.typs, p.options)
	return p, err
}

// NeedsAppendOnly reports whether the sink can only take insertions.
func (p *Partitioned) NeedsAppendOnly() bool { return !p.changelog }

// CheckNew raises what CREATE SINK should: a path that is no directory, or not empty.
func (p *Partitioned) CheckNew() error {
	if err := os.MkdirAll(p.path, 0o755); err != nil {
		return openError(p.path, err)
	}
	entries, err := os.ReadDir(p.path)
	if err != nil {
		return openError(p.path, err)
	}
	if len(entries) > 0 {
		return sqlerr.New(sqlerr.DuplicateFile, "directory %q is not empty", p.path).
			WithHint("A sink begins with an empty directory: remove what is in it, or choose another path.")
	}
	return nil
}

// CheckHolds raises 58030 if the directory is gone that files below number are in.
func (p *Partitioned) CheckHolds(number int64) error {
	if fi, err := os.Stat(p.path); number > 0 && (err != nil || !fi.IsDir()) {
		return sqlerr.New(sqlerr.IOError, "directory %q of a sink is not there any more", p.path)
	}
	return nil
}

// Write writes the rows of c into the files of their partitions.
func (p *Partitioned) Write(c *chunk.Chunk) error {
	if c == nil || c.Rows == 0 {
		return nil
	}
	touched, err := p.sort(c)
	if err != nil {
		return err
	}
	files := c.Project(p.in)
	for _, f := range touched {
		err := f.sink.Write(files.Gather(f.rows))
		f.rows = f.rows[:0]
		if err != nil {
			return err
		}
	}
	if len(p.parts) <= openMax {
		return nil
	}
	for _, f := range p.parts {
		if _, err := f.sink.Sync(); err != nil {
			return err
		}
		if err := f.sink.Close(); err != nil {
			return err
		}
	}
	return nil
}

// sort lays each row to its partition's file and returns the files with rows.
func (p *Partitioned) sort(c *chunk.Chunk) ([]*part, error) {
	dirs := make([][]byte, len(p.by))
	text := make([]*chunk.Column, len(p.by))
	for k, at := range p.by {
		text[k] = c.Cols[at]
	}
	var touched []*part
	var last *part
	for i := range c.Rows {
		if last != nil && p.same(text, i-1, i) {
			last.rows = append(last.rows, int32(i))
			continue
		}
		p.key = p.key[:0]
		for k := range dirs {
			p.key = p.appendDir(p.key, k, text[k], i)
		}
		f := p.parts[string(p.key)]
		if f == nil {
			var err error
			if f, err = p.open(string(p.key)); err != nil {
				return nil, err
			}
			p.parts[string(p.key)] = f
		}
		if len(f.rows) == 0 {
			touched = append(touched, f)
		}
		f.rows = append(f.rows, int32(i))
		last = f
	}
	return touched, nil
}

// same reports whether two rows are of one partition, as far as that is quickly seen.
func (p *Partitioned) same(cols []*chunk.Column, a, b int) bool {
	for _, c := range cols {
		switch {
		case c.IsNull(a) || c.IsNull(b):
			return false
		case c.Views != nil && c.Views[a] != c.Views[b] && string(c.StringAt(a)) != string(c.StringAt(b)):
			return false
		case c.Views == nil && (c.Ints == nil || c.Ints[a] != c.Ints[b]):
			return false
		}
	}
	return true
}

// appendDir appends /column=value, escaped as in a URL.
func (p *Partitioned) appendDir(dst []byte, k int, c *chunk.Column, row int) []byte {
	dst = append(dst, filepath.Separator)
	dst = append(dst, url.PathEscape(p.spec.Columns[p.by[k]])...)
	dst = append(dst, '=')
	if c.IsNull(row) {
		return append(dst, nullPartition...)
	}
	value := string(types.AppendText(nil, p.spec.Schema[p.by[k]], c.Datum(row), p.spec.Settings))
	return append(dst, strings.ReplaceAll(url.PathEscape(value), "=", "%3D")...)
}

// open makes the file of a partition.
func (p *Partitioned) open(dir string) (*part, error) {
	full := p.path + dir
	if err := os.MkdirAll(full, 0o755); err != nil {
		return nil, openError(full, err)
	}
	o := p.options
	o.Settings = map[string]string{"path": filepath.Join(full, p.name(p.number, true)), "changelog": fmt.Sprint(p.changelog)}
	k, err := NewSink(p.names, p.typs, o)
	return &part{sink: k}, err
}

// name is a file's name; a hidden one has a dot in front.
func (p *Partitioned) name(number int64, hidden bool) string {
	n := "part-" + strconv.FormatInt(number, 10) + p.suffix()
	if hidden {
		n = "." + n
	}
	return n
}

func (p *Partitioned) suffix() string {
	if p.csv {
		return ".csv"
	}
	return ".json"
}

// Unfinished reports whether rows wait for a checkpoint.
func (p *Partitioned) Unfinished() bool { return len(p.parts) > 0 }

// Sync is for files that have no hidden name; these are made durable by Seal.
func (p *Partitioned) Sync() (int64, error) { return p.number, nil }

// Seal makes durable what was written, and begins new files. It returns their number.
func (p *Partitioned) Seal() (int64, error) {
	if len(p.parts) == 0 {
		return p.number, nil
	}
	for _, f := range p.parts {
		if err := f.sink.open(); err != nil { // which may have been closed meanwhile
			return 0, err
		}
		if _, err := f.sink.Sync(); err != nil {
			return 0, err
		}
		if err := f.sink.Close(); err != nil {
			return 0, err
		}
		if err := p.syncUp(filepath.Dir(f.sink.path)); err != nil {
			return 0, err
		}
		p.sealed = append(p.sealed, sealedFile{p.number, f.sink.path})
	}
	clear(p.parts)
	p.number++
	return p.number, nil
}

// syncUp makes a directory's entries durable, and those of the directories above it up to
// the sink's.
func (p *Partitioned) syncUp(dir string) error {
	for len(dir) >= len(p.path) {
		if err := syncDir(dir); err != nil {
			return err
		}
		dir = filepath.Dir(dir)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return openError(dir, err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return sqlerr.Wrap(err, sqlerr.IOError, "could not sync directory %q: %v", dir, err)
	}
	return nil
}

// Finish gives the sealed files below number their names.
func (p *Partitioned) Finish(number int64) error {
	for len(p.sealed) > 0 && p.sealed[0].number < number {
		if err := finish(p.sealed[0].path); err != nil {
			return err
		}
		p.sealed = p.sealed[1:]
	}
	return nil
}

// finish takes the dot off a file's name.
func finish(path string) error {
	dir, name := filepath.Split(path)
	if err := os.Rename(path, filepath.Join(dir, strings.TrimPrefix(name, "."))); err != nil {
		return sqlerr.Wrap(err, sqlerr.IOError, "could not rename file %q: %v", path, err)
	}
	return nil
}

// TruncateTo finishes the files below a number that Seal has returned, deletes the others
// and goes on with that number. What the sink has not written is left alone.
func (p *Partitioned) TruncateTo(number int64) error {
	for _, f := range p.parts {
		if err := f.sink.Close(); err != nil {
			return err
		}
	}
	clear(p.parts)
	p.sealed = nil
	if err := os.MkdirAll(p.path, 0o755); err != nil {
		return openError(p.path, err)
	}
	err := filepath.WalkDir(p.path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n, hidden, ok := p.numberOf(d.Name())
		switch {
		case !ok || strings.Count(path[len(p.path):], string(filepath.Separator)) != len(p.by)+1:
			return nil
		case n >= number:
			return os.Remove(path)
		case hidden:
			return finish(path)
		}
		return nil
	})
	if err != nil {
		return openError(p.path, err)
	}
	p.number = number
	return nil
}

// numberOf reads the number in a file's name.
func (p *Partitioned) numberOf(name string) (n int64, hidden, ok bool) {
	name, hidden = strings.CutPrefix(name, ".")
	name, ok = strings.CutPrefix(name, "part-")
	digits, tail := strings.CutSuffix(name, p.suffix())
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, hidden, ok && tail && err == nil && n >= 0
}

// Close gives the files back.
func (p *Partitioned) Close() error {
	var first error
	for _, f := range p.parts {
		if err := f.sink.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
