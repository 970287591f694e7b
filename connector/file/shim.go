package file

import (
	"context"
	"errors"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

type Options struct {
	Settings       map[string]string
	Format, Encode string
	FormatSettings map[string]string
}
type Tail struct{}

func Open([]string, []types.Type, Options) (*Tail, error) { return nil, errors.New("x") }
func (*Tail) Poll(ctx context.Context, position []byte, rowsMax int) (rows, bad *chunk.Chunk, next []byte, err error) {
	return nil, nil, nil, nil
}
func (*Tail) Close() error { return nil }

type Sink struct{}

func NewSink([]string, []types.Type, Options) (*Sink, error) { return nil, errors.New("x") }
func (*Sink) Write(*chunk.Chunk) error                       { return nil }
func (*Sink) Sync() (int64, error)                           { return 0, nil }
func (*Sink) TruncateTo(int64) error                         { return nil }
func (*Sink) Close() error                                   { return nil }
func (*Sink) NeedsAppendOnly() bool                          { return false }
