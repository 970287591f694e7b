package types

import (
	"encoding/json"
	"math"
	"unicode/utf8"
)

// datumJSON is a Datum in a plan: floats by their bits, since JSON has no NaN and no
// infinity, byte strings that are not UTF-8 in base64. What is zero is left out.
type datumJSON struct {
	Null   bool      `json:"null,omitempty"`
	I      int64     `json:"i,omitempty"`
	F      uint64    `json:"f,omitempty"`
	N      *Num      `json:"n,omitempty"`
	V      *Interval `json:"v,omitempty"`
	U      []byte    `json:"u,omitempty"`
	S      string    `json:"s,omitempty"`
	Binary []byte    `json:"b,omitempty"`
}

// MarshalJSON writes every value so that UnmarshalJSON gives the identical one.
func (d Datum) MarshalJSON() ([]byte, error) {
	j := datumJSON{Null: d.Null, I: d.I, F: math.Float64bits(d.F)}
	if d.N != (Num{}) {
		j.N = &d.N
	}
	if d.V != (Interval{}) {
		j.V = &d.V
	}
	if d.U != ([16]byte{}) {
		j.U = d.U[:]
	}
	if utf8.ValidString(d.S) {
		j.S = d.S
	} else {
		j.Binary = []byte(d.S)
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Datum) UnmarshalJSON(b []byte) error {
	var j datumJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*d = Datum{Null: j.Null, I: j.I, F: math.Float64frombits(j.F), S: j.S}
	if j.N != nil {
		d.N = *j.N
	}
	if j.V != nil {
		d.V = *j.V
	}
	copy(d.U[:], j.U)
	if j.Binary != nil {
		d.S = string(j.Binary)
	}
	return nil
}
