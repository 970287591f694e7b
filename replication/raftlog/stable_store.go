package raftlog

import (
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// errNotFound is what raft looks for by its text.
var errNotFound = errors.New("not found")

func stableKey(key []byte) []byte { return append([]byte{stableKeyPrefix}, key...) }

// Set implements raft.StableStore, durably.
func (s *Store) Set(key, value []byte) error {
	err := s.commit(func(b *pebble.Batch) error {
		return b.Set(stableKey(key), appendValue(nil, key, value), nil)
	})
	if err != nil {
		return s.Errorf("write", err)
	}
	return nil
}

// Get implements raft.StableStore. A key that was never set is an error with the text "not found", as raft wants it.
func (s *Store) Get(key []byte) ([]byte, error) {
	b, closer, err := s.DB.Get(stableKey(key))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, errNotFound
	}
	var value []byte
	if err == nil {
		value, err = decodeValue(key, b)
		err = errors.Join(err, closer.Close())
	}
	if err != nil {
		return nil, s.Errorf("read", err)
	}
	return value, nil
}

// SetUint64 implements raft.StableStore.
func (s *Store) SetUint64(key []byte, value uint64) error {
	return s.Set(key, binary.LittleEndian.AppendUint64(nil, value))
}

// GetUint64 implements raft.StableStore.
func (s *Store) GetUint64(key []byte) (uint64, error) {
	b, err := s.Get(key)
	if err != nil {
		return 0, err
	}
	if len(b) != 8 {
		return 0, s.Errorf("read", corruptf("the value of %q has %d bytes, not 8", key, len(b)))
	}
	return binary.LittleEndian.Uint64(b), nil
}
