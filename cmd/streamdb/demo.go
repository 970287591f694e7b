package main

import (
	"context"
	"errors"
)

// demo runs a server with live data.
func demo(context.Context, []string) error { return errors.New("demo: not in this build") }

// sqlClient is the client.
func sqlClient(context.Context, []string) error { return errors.New("sql: not in this build") }
