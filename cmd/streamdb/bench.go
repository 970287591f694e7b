package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"streamdb/bench/growth"
	"streamdb/bench/nexmark"
	"streamdb/bench/soak"
	"streamdb/bench/views"
)

// benchmarks is the verbs of streamdb bench.
var benchmarks = []verb{
	{"nexmark", "the Nexmark queries against hand-written loops", func(_ context.Context, args []string) error {
		return nexmark.Main(args, os.Stdout, os.Stderr)
	}},
	{"growth", "the cost of a changed row as the base grows, and memory per group", func(_ context.Context, args []string) error {
		return growth.Main(args, os.Stdout, os.Stderr)
	}},
	{"spill", "the cost of a changed row where the state is four times its memory", func(_ context.Context, args []string) error {
		return growth.MainSpill(args, os.Stdout, os.Stderr)
	}},
	{"soak", "whether memory and freshness stay flat under a steady load", func(ctx context.Context, args []string) error {
		return soak.Main(ctx, args, os.Stdout, os.Stderr)
	}},
	{"views", "what a further view on a source costs", func(_ context.Context, args []string) error {
		return views.Main(args, os.Stdout, os.Stderr)
	}},
}

// bench runs a benchmark by its name.
func bench(ctx context.Context, args []string) error {
	if len(args) > 0 {
		for _, v := range benchmarks {
			if v.name == args[0] {
				return v.run(ctx, args[1:])
			}
		}
	}
	fmt.Println("usage: streamdb bench NAME [flags]")
	for _, v := range benchmarks {
		fmt.Printf("  %-9s%s\n", v.name, v.help)
	}
	if len(args) > 0 && args[0] != "-help" && args[0] != "--help" && args[0] != "-h" {
		return &exitError{exitUsage, fmt.Errorf("unknown benchmark %q", args[0])}
	}
	if len(args) == 0 {
		return &exitError{exitUsage, errors.New("a benchmark is needed")}
	}
	return nil
}
