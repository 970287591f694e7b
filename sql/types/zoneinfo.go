package types

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"io"
	"strings"
	"sync"
	"time"
)

// zoneinfoZip is the IANA time zone database as Go ships it (lib/time/zoneinfo.zip).
// It is part of the program, and the machine's own is never read: what a zone means
// must be the same on every node.
//
//go:embed zoneinfo.zip
var zoneinfoZip []byte

// zoneFiles finds the files of the database by name in lower case.
var zoneFiles = sync.OnceValue(func() map[string]*zip.File {
	m := make(map[string]*zip.File)
	r, err := zip.NewReader(bytes.NewReader(zoneinfoZip), int64(len(zoneinfoZip)))
	if err != nil {
		panic("types: the time zone database in the program is damaged: " + err.Error())
	}
	for _, f := range r.File {
		if !strings.HasSuffix(f.Name, "/") {
			m[strings.ToLower(f.Name)] = f
		}
	}
	return m
})

// loadIANA returns the zone with an IANA name in lower case, nil if there is none.
func loadIANA(low string) *time.Location {
	f := zoneFiles()[low]
	if f == nil {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return nil
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil
	}
	loc, err := time.LoadLocationFromTZData(f.Name, data)
	if err != nil {
		return nil
	}
	return loc
}

// ZoneNames returns the names of all zones of the database.
func ZoneNames() []string {
	names := make([]string, 0, len(zoneFiles()))
	for _, f := range zoneFiles() {
		names = append(names, f.Name)
	}
	return names
}
