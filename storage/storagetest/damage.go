package storagetest

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Files lists the files below dir whose path contains part, sorted by directory.
func Files(fs vfs.FS, dir, part string) ([]string, error) {
	names, err := fs.List(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			below, err := Files(fs, path, part)
			if err != nil {
				return nil, err
			}
			found = append(found, below...)
		} else if strings.Contains(path, part) {
			found = append(found, path)
		}
	}
	return found, nil
}

// Damage replaces the content of a file by what change makes of it.
func Damage(fs vfs.FS, path string, change func(b []byte) []byte) error {
	f, err := fs.Open(path)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if b = change(b); b == nil {
		return fmt.Errorf("nothing left of %s", path)
	}
	f, err = fs.Create(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}
