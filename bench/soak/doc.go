// Package soak runs a database under a steady load for as long as one likes, and says whether its memory, its disk and
// its freshness stay where they are.
package soak
