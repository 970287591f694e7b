// Package chunk is the columnar unit that flows between operators: typed columns
// with NULLs and errors, and a signed weight per row.
//
// Kernels loop over the exported slices directly; the package keeps no hidden
// indirection. Buffers follow Arrow's idea of plain, pointer-free memory, with byte
// strings as views (offset and length) into one buffer, so that gathering rows
// shares the bytes instead of copying them.
package chunk
