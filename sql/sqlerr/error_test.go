package sqlerr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestPositionCountsCharacters(t *testing.T) {
	text := "SELECT 'ü', x"
	e := New(UndefinedColumn, "column %q does not exist", "x").At(len("SELECT 'ü', "))
	if got := e.CharPosition(text); got != 13 {
		t.Errorf("character position = %d, want 13", got)
	}
	if got := New(SyntaxError, "unterminated").CharPosition(text); got != 0 {
		t.Errorf("no position: got %d, want 0", got)
	}
	if got := e.At(3).Offset(); got != 13 {
		t.Errorf("a second At moved the position to %d", got)
	}
	if got := e.Shift(10).Offset(); got != 23 || e.Offset() != 13 {
		t.Errorf("shift: %d, receiver %d", got, e.Offset())
	}
	if got := New(SyntaxError, "").At(-1).Shift(5).Position; got != 0 {
		t.Errorf("shift of no position: %d", got)
	}
	if got := e.CharPosition("x"); got != 2 {
		t.Errorf("position past the text: %d, want its end", got)
	}
}

func TestAs(t *testing.T) {
	base := New(DivisionByZero, "division by zero")
	for _, c := range []struct {
		err  error
		code string
	}{
		{nil, ""},
		{base, DivisionByZero},
		{fmt.Errorf("row 7: %w", base), DivisionByZero},
		{io.EOF, InternalError},
		{fmt.Errorf("scan: %w", context.Canceled), QueryCanceled},
		{Wrap(io.EOF, IOError, "read"), IOError},
	} {
		if got := Code(c.err); got != c.code {
			t.Errorf("Code(%v) = %q, want %q", c.err, got, c.code)
		}
	}
	if !errors.Is(Wrap(io.EOF, IOError, "read"), io.EOF) {
		t.Error("the cause is lost")
	}
}
