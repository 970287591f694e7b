//go:build !linux

package growth

type used struct{ faults, disk, cpu int64 }

func usage() (u used) { return u }

func controlGroupLimit() int64 { return 0 }
