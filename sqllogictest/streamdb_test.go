package sqllogictest_test

import (
	"flag"
	"maps"
	"slices"
	"testing"

	. "streamdb/sqllogictest"
	"streamdb/sqllogictest/target"
)

var (
	modeName = flag.String("mode", "", "run only this mode (the plain one always runs)")
	seed     = flag.Uint64("seed", 1, "seed for the places of restarts and checkpoints")
	every    = flag.Int("every", 4, "mean number of statements between two restarts or checkpoints")
)

// TestStreamdb runs every file in every mode: the same answers, the same fingerprints.
func TestStreamdb(t *testing.T) {
	t.Logf("seed %d", *seed)
	for _, path := range testFiles(t) {
		t.Run(name(path), func(t *testing.T) {
			t.Parallel()
			testAllModes(t, path)
		})
	}
}

// testAllModes runs one file in all modes and compares their fingerprints with those of the first.
func testAllModes(t *testing.T, path string) {
	var plain []Fingerprint
	for i, mode := range Modes() {
		if i > 0 && *modeName != "" && *modeName != mode.Name {
			continue
		}
		server, err := target.NewInProcess()
		if err != nil {
			t.Fatal(err)
		}
		var replay []Mode
		if i == 0 {
			replay = ReplayModes()
		}
		rep, err := RunFile(t.Context(), path, server, Options{
			Engine: "streamdb", Mode: mode, Rewrite: *rewrite && i == 0, TempDir: t.TempDir(),
			RestartEvery: *every, CheckpointEvery: *every, FingerprintEvery: 10, Seed: *seed, Replay: replay,
		})
		if err != nil {
			t.Fatalf("mode %s: %v", mode.Name, err)
		}
		for _, f := range rep.Failures {
			t.Errorf("mode %s: %v", mode.Name, f)
		}
		if len(rep.Failures) > 0 && i == 0 {
			return // The other modes would say the same again.
		}
		if i == 0 {
			plain = rep.Fingerprints
			for name, f := range rep.Replays {
				compareFingerprints(t, name, plain, []Fingerprint{f})
			}
		} else if len(rep.Failures) == 0 {
			compareFingerprints(t, mode.Name, plain, rep.Fingerprints)
		}
	}
}

// compareFingerprints compares two runs place by place; a place one of them could not read at is passed over, the end of
// the file is always there.
func compareFingerprints(t *testing.T, mode string, want, got []Fingerprint) {
	at := map[string]Fingerprint{}
	for _, f := range want {
		at[f.At] = f
	}
	compared := 0
	for _, g := range got {
		w, ok := at[g.At]
		if !ok {
			continue
		}
		compared++
		for _, rel := range slices.Sorted(maps.Keys(w.Relations)) {
			if w.Relations[rel] != g.Relations[rel] {
				t.Errorf("mode %s: after %s the fingerprint of %s is %s, in plain mode %s", mode, g.At, rel, g.Relations[rel], w.Relations[rel])
			}
		}
		if len(w.Relations) != len(g.Relations) {
			t.Errorf("mode %s: after %s there are %d relations, in plain mode %d", mode, g.At, len(g.Relations), len(w.Relations))
		}
	}
	if compared == 0 && len(want)+len(got) > 0 {
		t.Errorf("mode %s: no fingerprint was compared", mode)
	}
}
