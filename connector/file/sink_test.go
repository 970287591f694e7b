package file

import (
	"os"
	"path/filepath"
	"testing"

	"streamdb/sql/chunk"
	"streamdb/sql/sqlerr"
)

func testChunk(weights []int64, rows ...string) *chunk.Chunk {
	c := chunk.New(testTypes, len(rows))
	for i, r := range rows {
		c.Cols[0].Ints = append(c.Cols[0].Ints, int64(i+1))
		c.Cols[1].AppendString(r)
	}
	c.Rows, c.Weights = len(rows), weights
	return c
}

func newTestSink(t *testing.T, encode, changelog string) (*Sink, string) {
	path := filepath.Join(t.TempDir(), "out")
	o := Options{Settings: map[string]string{"path": path, "changelog": changelog}, Encode: encode}
	if encode == "CSV" {
		o.FormatSettings = map[string]string{"header": "true"}
	}
	k, err := NewSink(testNames, testTypes, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	if k.NeedsAppendOnly() != (changelog != "true") {
		t.Error("NeedsAppendOnly")
	}
	return k, path
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%v, file holds:\n%swant:\n%s", err, got, want)
	}
}

func TestSinkJSON(t *testing.T) {
	k, path := newTestSink(t, "JSON", "false")
	if err := k.CheckNew(); err != nil {
		t.Fatal(err)
	}
	if err := k.Write(testChunk([]int64{2, 1}, "a", "b\n")); err != nil {
		t.Fatal(err)
	}
	want := `{"id":1,"msg":"a"}` + "\n" + `{"id":1,"msg":"a"}` + "\n" + `{"id":2,"msg":"b\n"}` + "\n"
	wantFile(t, path, want)
	if err := k.Write(testChunk([]int64{-1}, "a")); sqlerr.Code(err) != sqlerr.InternalError {
		t.Errorf("a retraction: %v", err)
	}
	wantFile(t, path, want)
}

func TestSinkChangelog(t *testing.T) {
	k, path := newTestSink(t, "JSON", "true")
	for _, w := range [][]int64{{1, -1, 1}, nil} {
		if err := k.Write(testChunk(w, "a", "b", "c")); err != nil {
			t.Fatal(err)
		}
	}
	wantFile(t, path, `{"id":2,"msg":"b","_op":"delete"}
{"id":1,"msg":"a","_op":"insert"}
{"id":3,"msg":"c","_op":"insert"}
{"id":1,"msg":"a","_op":"insert"}
{"id":2,"msg":"b","_op":"insert"}
{"id":3,"msg":"c","_op":"insert"}
`)
}

// TestSinkExactlyOnce loses the process between a recorded offset and the next.
func TestSinkExactlyOnce(t *testing.T) {
	k, path := newTestSink(t, "CSV", "false")
	write := func(rows ...string) {
		t.Helper()
		if err := k.Write(testChunk(nil, rows...)); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	offset, err := k.Sync()
	if err != nil {
		t.Fatal(err)
	}
	write("b, not recorded")
	k.Close()
	if k, err = NewSink(testNames, testTypes, Options{Settings: map[string]string{"path": path}, Encode: "CSV", FormatSettings: map[string]string{"header": "true"}}); err != nil {
		t.Fatal(err)
	}
	if err := k.TruncateTo(offset); err != nil {
		t.Fatal(err)
	}
	write("b, again")
	wantFile(t, path, "id,msg\n1,a\n1,\"b, again\"\n")
	if err := k.CheckNew(); sqlerr.Code(err) != sqlerr.DuplicateFile {
		t.Errorf("CheckNew over data: %v", err)
	}
	if err := k.TruncateTo(1000); sqlerr.Code(err) != sqlerr.IOError {
		t.Errorf("a file that has lost something: %v", err)
	}
	if err := k.TruncateTo(0); err != nil {
		t.Fatal(err)
	}
	write("anew")
	wantFile(t, path, "id,msg\n1,anew\n")
	k.Close()
}
