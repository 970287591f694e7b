// Package window is the arithmetic of windows and watermarks: pure functions.
//
// Times are microseconds since 2000-01-01, windows half-open [start, end). Windows are
// aligned to the Unix epoch plus an offset, as in Flink, RisingWave and PostgreSQL's
// date_bin with that origin; days of a time zone and months follow the calendar.
package window
