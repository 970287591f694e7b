// Package faults gives the real server broken input and broken surroundings: statements that are too deep, random bytes
// on the wire, wrong certificates, flipped bits in its files, a full disk. Each must end in a clear error; the server
// lives on or refuses to start; other sessions do not notice; nothing is lost and no answer is silently wrong.
package faults
