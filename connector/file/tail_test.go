package file

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

var (
	testNames = []string{"id", "msg"}
	testTypes = []types.Type{types.Int8, types.Text}
)

// fixture is a file and a tail on it.
type fixture struct {
	*testing.T
	path string
	opts Options
	tail *Tail
	pos  []byte
}

func newFixture(t *testing.T, encode string, settings ...string) *fixture {
	f := &fixture{T: t, path: filepath.Join(t.TempDir(), "access.log")}
	f.opts = Options{Settings: map[string]string{"connector": "file", "path": f.path, "follow": "true"}, Format: "PLAIN", Encode: encode,
		FormatSettings: map[string]string{}}
	for i := 0; i+1 < len(settings); i += 2 {
		if settings[i] == "follow" {
			f.opts.Settings["follow"] = settings[i+1]
		} else {
			f.opts.FormatSettings[settings[i]] = settings[i+1]
		}
	}
	f.restart()
	t.Cleanup(func() { f.tail.Close() })
	return f
}

// restart goes on with another tail, as another process would.
func (f *fixture) restart() {
	f.Helper()
	if f.tail != nil {
		f.tail.Close()
	}
	var err error
	if f.tail, err = Open(testNames, testTypes, f.opts); err != nil {
		f.Fatal(err)
	}
	f.tail.grace = 0
}

func (f *fixture) write(text string) {
	f.Helper()
	w, err := os.OpenFile(f.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = w.WriteString(text)
	}
	if err != nil {
		f.Fatal(err)
	}
	w.Close()
}

// poll polls until the position rests and returns the rows as "id:msg", bad lines as
// "line!sqlstate:text".
func (f *fixture) poll(rowsMax int) string {
	f.Helper()
	var out []string
	for {
		rows, bad, next, err := f.tail.Poll(f.Context(), f.pos, rowsMax)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, show(rows, bad)...)
		if string(next) == string(f.pos) {
			return strings.Join(out, " ")
		}
		f.pos = next
	}
}

func show(rows, bad *chunk.Chunk) (out []string) {
	if rows != nil {
		for i := range rows.Rows {
			out = append(out, fmt.Sprintf("%d:%s", rows.Cols[0].Ints[i], rows.Cols[1].StringAt(i)))
		}
	}
	if bad != nil {
		for i := range bad.Rows {
			out = append(out, fmt.Sprintf("%d!%s:%s", bad.Cols[0].Ints[i], bad.Cols[1].StringAt(i), bad.Cols[3].StringAt(i)))
		}
	}
	return out
}

func (f *fixture) want(want string) {
	f.Helper()
	if got := f.poll(1 << 16); got != want {
		f.Errorf("got  %q\nwant %q", got, want)
	}
}

func line(id int, msg string) string { return fmt.Sprintf("{\"id\":%d,\"msg\":%q}\n", id, msg) }

func TestGrowth(t *testing.T) {
	f := newFixture(t, "JSON")
	f.want("") // no file yet
	f.write(line(1, "a") + line(2, "b"))
	f.want("1:a 2:b")
	f.want("")
	f.write(line(3, "c") + `{"id":4,`) // a line in two writes
	f.want("3:c")
	f.want("")
	f.write(`"msg":"d"}`)
	f.want("") // it may still grow
	f.write("\n")
	f.want("4:d")
}

func TestBadLines(t *testing.T) {
	f := newFixture(t, "json")
	f.write(line(1, "a") + "no json\n" + line(2, "b") + "{\"id\":\"x\"}\n")
	f.want("1:a 2:b 2!22P02:no json 4!22P02:x,")
	f.restart()
	f.write("nor this\n")
	f.want("5!22P02:nor this")
}

func TestRotation(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprintf("restart=%v", restart), func(t *testing.T) {
			f := newFixture(t, "JSON")
			f.write(line(1, "a"))
			f.want("1:a")
			if err := os.Rename(f.path, f.path+".1"); err != nil {
				t.Fatal(err)
			}
			f.want("") // in between there is no file
			f.write("")
			f.want("") // the new file is empty: its writer may not have reopened it yet
			old := *f
			old.path += ".1"
			old.write(line(2, "b"))
			if restart {
				f.restart()
			}
			f.want("2:b")
			old.write(line(3, "c") + `{"id":4,"msg":"last"}`)
			f.write(line(5, "d"))
			if restart {
				f.restart()
			}
			f.want("3:c 4:last 5:d")
			f.write(line(6, "e"))
			f.want("6:e")
		})
	}
}

// TestRotationGrace holds that a rotated file is not left while it is written to.
func TestRotationGrace(t *testing.T) {
	f := newFixture(t, "JSON")
	f.write(line(1, "a"))
	f.want("1:a")
	if err := os.Rename(f.path, f.path+".1"); err != nil {
		t.Fatal(err)
	}
	f.write(line(3, "c"))
	f.tail.grace = time.Hour
	f.want("")
	old := *f
	old.path += ".1"
	old.write(line(2, "b"))
	f.want("2:b")
	f.tail.grace = 0
	f.want("3:c")
}

// TestRotatedAway rotates twice while nobody looks, and removes what was being read.
func TestRotatedAway(t *testing.T) {
	f := newFixture(t, "JSON")
	f.write(line(1, "a"))
	f.want("1:a")
	f.tail.Close()
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	f.write(line(2, "another file"))
	f.restart()
	f.want("2:another file")
}

func TestTruncation(t *testing.T) {
	for _, restart := range []bool{false, true} {
		for _, longer := range []bool{false, true} {
			t.Run(fmt.Sprintf("restart=%v,longer=%v", restart, longer), func(t *testing.T) {
				f := newFixture(t, "JSON")
				f.write(line(1, "a") + line(2, "b") + "{\"id\":")
				f.want("1:a 2:b")
				if err := os.Truncate(f.path, 0); err != nil {
					t.Fatal(err)
				}
				text, want := line(3, "c"), "3:c"
				if longer {
					text, want = strings.Repeat(line(3, "c"), 4), "3:c 3:c 3:c 3:c"
				}
				f.write(text)
				if restart {
					f.restart()
				}
				f.want(want)
			})
		}
	}
}

func TestNotFollowed(t *testing.T) {
	f := newFixture(t, "JSON", "follow", "false")
	if _, _, _, err := f.tail.Poll(t.Context(), nil, 10); sqlerr.Code(err) != sqlerr.UndefinedFile {
		t.Errorf("missing file: %v", err)
	}
	if err := Check(testNames, testTypes, f.opts); sqlerr.Code(err) != sqlerr.UndefinedFile {
		t.Errorf("missing file: %v", err)
	}
	f.write(line(1, "a") + `{"id":2,"msg":"no newline"}`)
	f.want("1:a 2:no newline")
	f.write("\n" + line(3, "later"))
	f.want("")
	f.restart()
	f.want("")
}

func TestCSV(t *testing.T) {
	f := newFixture(t, "CSV", "header", "true", "delimiter", ";", "null", "-")
	f.write("id;msg\n1;\"a\nb\"\n2;-\n")
	f.want("1:a\nb 2:")
	f.restart()
	f.write("3;c\n4;too;many\n5;\"open\n")
	f.want("3:c 6!22P04:4;too;many")
	f.write("closed\"\n")
	f.want("5:open\nclosed")
	f.write("\\.\n6;on\n") // COPY's end marker is none here
	f.want("6:on 9!22P02:\\.,")
}

func TestCSVHeaderMatch(t *testing.T) {
	f := newFixture(t, "CSV", "header", "match")
	f.write("id,other\n1,a\n")
	for range 2 {
		if _, _, _, err := f.tail.Poll(t.Context(), f.pos, 10); sqlerr.Code(err) != sqlerr.BadCopyFileFormat {
			t.Errorf("got %v", err)
		}
	}
}

// TestRestartAnywhere reads a file with a restart at each position that ever was, in
// small bites, and from each again.
func TestRestartAnywhere(t *testing.T) {
	for _, encode := range []string{"JSON", "CSV"} {
		f := newFixture(t, encode)
		var all []string
		for i := range 300 {
			msg := strings.Repeat("x", i)
			all = append(all, fmt.Sprintf("%d:%s", i, msg))
			if encode == "CSV" {
				f.write(fmt.Sprintf("%d,%s\n", i, msg))
			} else {
				f.write(line(i, msg))
			}
			if i%50 == 49 {
				f.want(strings.Join(all[i-49:], " "))
			}
			if i%100 == 99 {
				f.restart()
			}
		}
		f.pos = nil
		f.want(strings.Join(all, " "))
		end := string(f.pos)
		f.restart()
		f.want("")
		if string(f.pos) != end {
			t.Errorf("%s: the position moved without rows", encode)
		}
	}
}

func TestOptions(t *testing.T) {
	good := func() Options {
		return Options{Settings: map[string]string{"path": "/x"}, Encode: "CSV", FormatSettings: map[string]string{}}
	}
	cases := map[string]func(*Options){
		"needs option \"path\"":                     func(o *Options) { delete(o.Settings, "path") },
		"unknown option \"pth\"":                    func(o *Options) { o.Settings["pth"] = "y" },
		"option \"follow\" requires a Boolean":      func(o *Options) { o.Settings["follow"] = "maybe" },
		"does not know FORMAT UPSERT":               func(o *Options) { o.Format = "UPSERT" },
		"does not know ENCODE AVRO":                 func(o *Options) { o.Encode = "AVRO" },
		"needs an encoding":                         func(o *Options) { o.Encode = "" },
		"unknown option \"sep\" of ENCODE CSV":      func(o *Options) { o.FormatSettings["sep"] = ";" },
		"unknown option \"header\" of ENCODE JSON":  func(o *Options) { o.Encode, o.FormatSettings["header"] = "JSON", "true" },
		"option \"delimiter\" must be a single":     func(o *Options) { o.FormatSettings["delimiter"] = "||" },
		"option \"header\" requires a Boolean":      func(o *Options) { o.FormatSettings["header"] = "perhaps" },
		"COPY delimiter and quote must be differen": func(o *Options) { o.FormatSettings["delimiter"] = `"` },
	}
	for want, change := range cases {
		o := good()
		change(&o)
		_, err := Open(testNames, testTypes, o)
		if sqlerr.Code(err) != sqlerr.InvalidParameterValue || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
	if _, err := Open(testNames, testTypes, good()); err != nil {
		t.Error(err)
	}
	o := good()
	o.Settings["path"] = t.TempDir()
	if err := Check(testNames, testTypes, o); sqlerr.Code(err) != sqlerr.InvalidParameterValue {
		t.Errorf("a directory: %v", err)
	}
}

func FuzzPosition(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(position{dev: 1, ino: 2, offset: 300, line: 4, headLen: headMax, headHash: 5}.encode())
	f.Add(position{done: true}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePosition(b)
		if err != nil {
			if sqlerr.Code(err) != sqlerr.DataCorrupted {
				t.Errorf("another error: %v", err)
			}
			return
		}
		if p.offset < 0 || p.line < 0 || int64(p.headLen) > p.offset || p.headLen > headMax {
			t.Errorf("accepted %+v", p)
		}
		if len(b) > 0 && string(p.encode()) != string(b) {
			t.Errorf("% x reads as %+v, which is % x", b, p, p.encode())
		}
	})
}
