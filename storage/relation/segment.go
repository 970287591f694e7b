package relation

import "errors"

// segment is a run's file.
type segment struct{}

func (s *segment) load(*run, int) (*data, error) {
	return nil, errors.New("relation: block is not in memory")
}
