package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"

	"github.com/cockroachdb/pebble/v2"
)

// A witness is a small file beside pebble that knows how far the store has come, as a lower bound. Pebble takes a damaged
// record of its MANIFEST for the torn end of it and opens with what came before: an older checkpoint, with the files of
// the newer one removed as garbage. The witness, written after every commit, makes that an error.
//
//	magic "SDBW" │ version uint32 │ sequence uint64 │ CRC-32C uint32
type witness struct{ sequence uint64 }

var witnessMagic = [4]byte{'S', 'D', 'B', 'W'}

const witnessVersion = 1

func (w witness) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, witnessMagic[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, witnessVersion)
	dst = binary.LittleEndian.AppendUint64(dst, w.sequence)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

func decodeWitness(path string, b []byte) (w witness, err error) {
	if len(b) != 20 || [4]byte(b) != witnessMagic || crc32.Checksum(b[:16], castagnoli) != binary.LittleEndian.Uint32(b[16:]) {
		return w, corruptf(path, "does not verify")
	}
	if v := binary.LittleEndian.Uint32(b[4:]); v != witnessVersion {
		return w, fmt.Errorf("%w: %s: version %d", ErrVersion, path, v)
	}
	return witness{binary.LittleEndian.Uint64(b[8:])}, nil
}

// checkWitness looks at an existing store without changing anything, pebble's files included: opening it for writing would
// remove what an older checkpoint does not name.
func (s *Store) checkWitness() error {
	path := s.dir.witnessPath()
	b, err := readFile(s.fs, path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // Not one checkpoint yet, or a crash right after the first.
	}
	if err != nil {
		return err
	}
	w, err := decodeWitness(path, b)
	if err != nil {
		return err
	}
	opts := s.pebbleOptions()
	opts.ReadOnly = true
	opts.ErrorIfNotExists = true
	db, err := pebble.Open(s.dir.StatePath(), opts)
	if err != nil {
		return fmt.Errorf("open state in %s: %w", s.dir.StatePath(), markCorruption(err))
	}
	m, err := s.readManifest(db)
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	if m == nil || m.Sequence < w.sequence {
		var found uint64
		if m != nil {
			found = m.Sequence
		}
		return corruptf(s.dir.StatePath(), "holds checkpoint number %d, but number %d was committed", found, w.sequence)
	}
	return nil
}

// testify writes the witness of a committed checkpoint. If that fails, the old one stands and is still true.
func (s *Store) testify(sequence uint64) error {
	path := s.dir.witnessPath()
	if err := writeFile(s.fs, path+".new", witness{sequence}.append(nil)); err != nil {
		return err
	}
	if err := s.fs.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(s.fs, s.dir.Path())
}
