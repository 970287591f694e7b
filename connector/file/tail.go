package file

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"streamdb/sql/chunk"
	"streamdb/sql/format"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

const (
	// pieceBytes is how much is read at once.
	pieceBytes = 256 << 10
	// pollBytes bounds what one Poll reads, so that bad lines alone do not keep it.
	pollBytes = 16 << 20
	// rotationGrace is how long a rotated file must have been quiet before the new one is
	// begun: several writers reopen their log one after the other.
	rotationGrace = time.Second
)

// Tail reads a file's lines as rows, in order, each once.
//
// It keeps the file open, so that a rotated file is read to its end under its new name.
// The next one is begun when the old one has been quiet for rotationGrace and the file
// now at the path is not empty: a writer that is told to reopen its log only after the
// rotation still writes to the old one until then. After a restart the rotated file is looked for
// among its siblings in the directory (access.log.1).
//
// When the file is shorter than what has been read, or begins differently, it was
// truncated, and is read from its beginning.
//
// A Tail is used by one goroutine.
type Tail struct {
	config
	file *os.File // nil while there is none
	dec  format.Decoder
	head []byte // first bytes of file, as in position
	// at is the position handed out last; a Poll at another one starts from there.
	at   []byte
	pos  position
	base position // where dec began: its counts are relative to it
	read int64    // offset of the next byte to be read; >= pos.offset
	// broken tells that dec has failed and a new one must begin at pos.
	broken bool
	piece  []byte
	// grace is rotationGrace; fed is when the file last gave something.
	grace time.Duration
	fed   time.Time
}

// Open validates the options of a source. The file is opened by Poll.
func Open(names []string, typs []types.Type, o Options) (*Tail, error) {
	c, err := o.parse(names, typs, "follow")
	if err != nil {
		return nil, err
	}
	return &Tail{config: c, grace: rotationGrace}, nil
}

// Check raises what CREATE SOURCE should: besides what Open does, a path that can never
// be read, and one that is missing although nobody waits for it.
func Check(names []string, typs []types.Type, o Options) error {
	t, err := Open(names, typs, o)
	if err != nil {
		return err
	}
	defer t.Close()
	f, err := open(t.path)
	if err != nil {
		if t.follow && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return f.Close()
}

// Close gives the file back.
func (t *Tail) Close() error {
	if t.file == nil {
		return nil
	}
	f := t.file
	t.file, t.at = nil, nil
	return f.Close()
}

// Poll returns complete lines behind a position, nil at first: rows are those of the
// source's columns, nil if there are none and the position has not moved; bad are the
// lines that cannot be read (see BadSchema), or nil; next is the position behind both.
// It takes about rowsMax rows. A last line without newline is taken only when the file
// is not followed: there it may still grow.
func (t *Tail) Poll(ctx context.Context, pos []byte, rowsMax int) (rows, bad *chunk.Chunk, next []byte, err error) {
	if err := t.seek(pos); err != nil {
		return nil, nil, pos, err
	}
	if t.pos.done || t.file == nil {
		return nil, nil, pos, nil
	}
	if err := t.rewindIfTruncated(); err != nil {
		return nil, nil, pos, err
	}
	errRead := t.fill(ctx, rowsMax)
	rows, lines := t.dec.Take()
	bad = badChunk(lines, t.base.line)
	if err := t.advance(); err != nil {
		return nil, nil, pos, err
	}
	next = t.pos.encode()
	if bytes.Equal(next, pos) {
		t.at = next
		return nil, nil, pos, errRead
	}
	if errRead != nil && rows == nil && bad == nil {
		return nil, nil, pos, errRead
	}
	if rows == nil {
		rows = chunk.New(t.spec.Schema, 0)
	}
	t.at = next
	return rows, bad, next, nil // errRead comes again with the next Poll
}

// seek makes pos the place where reading goes on.
func (t *Tail) seek(pos []byte) error {
	if t.file != nil && !t.broken && bytes.Equal(pos, t.at) {
		return nil
	}
	p, err := decodePosition(pos)
	if err != nil {
		return err
	}
	if p.done {
		t.pos = p
		return nil
	}
	if t.file != nil && !p.isOf(t.file) {
		if err := t.Close(); err != nil {
			return err
		}
	}
	if t.file == nil {
		if t.file, err = t.find(p); err != nil || t.file == nil {
			return err
		}
		if !p.fromNothing && !p.isOf(t.file) {
			p = position{} // the old file is gone, or was truncated
		}
	}
	return t.begin(p)
}

// find opens the file of a position: at the path, else under another name next to it,
// else whatever is at the path now. It returns nil while there is none.
func (t *Tail) find(p position) (*os.File, error) {
	f, err := open(t.path)
	if err != nil && !(t.follow && errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	if p.fromNothing || f != nil && p.isOf(f) {
		return f, nil
	}
	old := t.findRotated(p)
	if old == nil {
		return f, nil
	}
	if f != nil {
		f.Close() // opened for reading
	}
	return old, nil
}

// findRotated looks for the file of a position among the siblings of the path.
func (t *Tail) findRotated(p position) *os.File {
	dir, base := filepath.Split(t.path)
	if dir == "" {
		dir = "."
	}
	entries, _ := os.ReadDir(dir) // a directory that cannot be read has nothing for us
	for _, e := range entries {
		if !e.Type().IsRegular() || e.Name() == base || !strings.HasPrefix(e.Name(), base) {
			continue
		}
		f, err := open(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		if p.isOf(f) {
			return f
		}
		f.Close() // opened for reading
	}
	return nil
}

// open opens a regular file.
func open(path string) (*os.File, error) {
	fi, err := os.Stat(path)
	if err == nil && !fi.Mode().IsRegular() {
		return nil, invalid("%q is not a regular file", path)
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, openError(path, err)
	}
	return f, nil
}

// openError is PostgreSQL's error of a file that cannot be opened.
func openError(path string, err error) error {
	code := sqlerr.IOError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		code = sqlerr.UndefinedFile
	case errors.Is(err, fs.ErrPermission):
		code = sqlerr.InsufficientPrivilege
	}
	var pe *fs.PathError
	reason := err
	if errors.As(err, &pe) {
		reason = pe.Err
	}
	return sqlerr.Wrap(err, code, "could not open file %q: %v", path, reason)
}

// begin starts a decoder at p, which belongs to the open file.
func (t *Tail) begin(p position) error {
	fi, err := t.file.Stat()
	if err != nil {
		return err
	}
	p.fromNothing = false
	p.dev, p.ino = identity(fi)
	if t.head, err = readHead(t.file, p.offset); err != nil {
		return err
	}
	p.headLen, p.headHash = len(t.head), headHash(t.head)
	t.pos, t.base, t.read, t.broken, t.fed = p, p, p.offset, false, time.Now()
	if !t.csv {
		t.dec = format.NewJSONDecoder(t.spec)
		return nil
	}
	opt := t.copy
	if p.offset > 0 {
		opt.Header = format.HeaderNone
	}
	t.dec = format.NewCopyDecoder(t.spec, opt)
	return nil
}

// rewindIfTruncated starts again at the beginning of a file that was truncated.
func (t *Tail) rewindIfTruncated() error {
	fi, err := t.file.Stat()
	if err != nil {
		return err
	}
	if fi.Size() >= t.read && sameHead(t.file, t.head) {
		return nil
	}
	return t.begin(position{})
}

// fill reads until there are rowsMax rows or nothing more is to be had.
func (t *Tail) fill(ctx context.Context, rowsMax int) error {
	start := t.read
	for t.dec.Rows() < rowsMax && t.read-start < pollBytes {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := t.feed()
		if err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		if !t.follow {
			t.pos.done = true
			return t.finish()
		}
		if t.read > start || !t.replaced() {
			return nil
		}
		// Once more: what was written between the last read and the look at the path.
		if n, err = t.feed(); n > 0 || err != nil {
			return err
		}
		return t.turn()
	}
	return nil
}

// feed gives the decoder the next piece of the file.
func (t *Tail) feed() (int, error) {
	if t.piece == nil {
		t.piece = make([]byte, pieceBytes)
	}
	n, err := t.file.ReadAt(t.piece, t.read)
	if err != nil && err != io.EOF {
		return 0, sqlerr.Wrap(err, sqlerr.IOError, "could not read file %q: %v", t.path, err)
	}
	if n == 0 {
		return 0, nil
	}
	t.read, t.fed = t.read+int64(n), time.Now()
	if err := t.dec.Feed(t.piece[:n]); err != nil {
		t.broken = true
		return n, err
	}
	return n, nil
}

// finish reads the last line of a file to which nothing will be added.
func (t *Tail) finish() error {
	if err := t.dec.Finish(); err != nil {
		t.broken = true
		return err
	}
	return nil
}

// replaced reports whether another file, which is not empty, has taken the path for good.
func (t *Tail) replaced() bool {
	if time.Since(t.fed) < t.grace {
		return false
	}
	now, err := os.Stat(t.path)
	if err != nil || !now.Mode().IsRegular() || now.Size() == 0 {
		return false
	}
	old, err := t.file.Stat()
	return err == nil && !os.SameFile(now, old)
}

// turn ends the rotated file: its last line counts even without newline. The new file
// begins with the next Poll, at a position that says so.
func (t *Tail) turn() error {
	if err := t.finish(); err != nil {
		return err
	}
	f, err := open(t.path)
	if err != nil {
		return nil // rotated again this moment: the next Poll looks again
	}
	rest, dec, line := t.file, t.dec, t.base.line
	t.file = f
	if err := t.begin(position{}); err != nil {
		t.file = rest
		return err
	}
	t.dec = &turned{Decoder: t.dec, last: dec, shift: line}
	return rest.Close()
}

// advance moves the position behind what the decoder has read.
func (t *Tail) advance() error {
	if w, ok := t.dec.(*turned); ok {
		t.dec = w.Decoder // its rows have been taken
	}
	t.pos.offset, t.pos.line = t.base.offset+t.dec.Consumed(), t.base.line+t.dec.Lines()
	if t.pos.done {
		t.pos.offset = max(t.pos.offset, t.read)
	}
	if len(t.head) == headMax || t.pos.offset <= int64(len(t.head)) {
		return nil
	}
	head, err := readHead(t.file, t.pos.offset)
	if err != nil {
		return err
	}
	t.head, t.pos.headLen, t.pos.headHash = head, len(head), headHash(head)
	return nil
}

// turned is the decoder of a new file that still has the last line of the old one.
type turned struct {
	format.Decoder
	last  format.Decoder
	shift int64
}

// Take hands over the rest of the old file.
func (w *turned) Take() (*chunk.Chunk, []format.BadLine) {
	rows, bad := w.last.Take()
	for i := range bad {
		bad[i].Line += w.shift
	}
	return rows, bad
}
