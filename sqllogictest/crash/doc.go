// Package crash kills the real server at random moments under load and compares what is there afterwards with books kept
// by its clients.
//
// Each worker does one kind of write and knows for each thing it wrote whether it must be there, must not be there, or
// may be there because the answer was lost with the connection. After the restart every book is compared with the
// database: nothing acknowledged is missing, nothing is there twice, transactions are whole, views pass VERIFY, and the
// first correct read comes within three seconds.
package crash
