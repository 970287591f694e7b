// Package nexmark generates the events of the Nexmark benchmark: persons, auctions and
// bids of an online auction, in the schema, ratios and distributions of the public
// suite nexmark/nexmark.
//
// Of every 50 events 1 is a person, 3 are auctions and 46 are bids. Every event is a
// pure function of the seed and its number, so a source is logged by reference: any
// range may be read again, in any order, on any node, and gives the same rows.
//
// Strings are views into tables made once; generating a row allocates nothing.
package nexmark
