package target

import (
	"errors"

	"streamdb/sqllogictest"
)

// NewInProcess returns a database in this process on a crashable file system. Each one is used for one file.
func NewInProcess() (sqllogictest.Server, error) {
	return nil, errors.New("the in-process server is not wired yet")
}
