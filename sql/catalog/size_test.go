package catalog

import "testing"

func TestParseSize(t *testing.T) {
	for s, want := range map[string]int64{"256MB": 256 << 20, "1 GB": 1 << 30, "1.5kB": 1536, "7B": 7, "2TB": 2 << 40} {
		if n, err := ParseSize(s); err != nil || n != want {
			t.Errorf("%s is %d, %v; want %d", s, n, err, want)
		}
	}
	for _, s := range []string{"", "MB", "12", "1 mb", "-1MB", "NaNMB", "1e30TB", "1MBB", "x MB"} {
		if n, err := ParseSize(s); err == nil {
			t.Errorf("%q is %d", s, n)
		}
	}
}
