package physical

// KindProctime appends to each row of its input the time of the log's entry in which the
// row arrived, a timestamptz: PROCTIME(). A retraction takes back the row with the time
// that it got. What it gives depends on history: a second run over the same rows would
// give them other times. The column's watermark is the entry's time.
const KindProctime Kind = "Proctime"
