package functions

import (
	"sync"
)

// family is a chapter of the table.
type family struct {
	name  string
	funcs func() []*Function
}

// families lists every family of functions; nothing registers itself.
func families() []family {
	return []family{
		{"Comparison", compareFuncs},
		{"Arithmetic", arithFuncs},
		{"Numeric", numericFuncs},
		{"Mathematics", mathFuncs},
		{"Date and time", datetimeFuncs},
		{"Formatting", formatFuncs},
		{"Text", textFuncs},
		{"Bits", bitFuncs},
		{"Pattern matching", likeFuncs},
		{"Regular expressions", regexFuncs},
		{"JSON", jsonFuncs},
		{"Arrays", arrayFuncs},
		{"Sets", seriesFuncs},
		{"System", systemFuncs},
		{"Casts", castFuncs},
		{"Aggregates", aggregateFuncs},
		{"Window functions", windowFuncs},
		{"System catalog", catalogFuncs},
		{"Checks", checkFuncs},
	}
}

// index is the table in its three orders.
type index struct {
	all    []*Function
	byID   map[string]*Function
	byName map[string][]*Function
}

// ownOIDs is where the OIDs of functions that PostgreSQL does not have begin.
const ownOIDs = 8000

// The table is built at its first use; afterwards it does not change.
var (
	tableOnce  sync.Once
	tableIndex *index
)

func table() *index {
	tableOnce.Do(func() { tableIndex = buildTable() })
	return tableIndex
}

func buildTable() *index {
	x := &index{byID: map[string]*Function{}, byName: map[string][]*Function{}}
	next := uint32(ownOIDs)
	for _, fam := range families() {
		for _, f := range fam.funcs() {
			f.Family = fam.name
			f.Description, f.Example = docs[f.Name].text, docs[f.Name].example
			if x.byID[f.ID] != nil {
				panic("functions: two functions with id " + f.ID)
			}
			if f.OID == 0 && !f.Hidden {
				f.OID = postgresOIDs[f.Signature()]
			}
			if f.OID == 0 {
				f.OID = next
				next++
			}
			x.all = append(x.all, f)
			x.byID[f.ID] = f
			if !f.Hidden {
				x.byName[f.Name] = append(x.byName[f.Name], f)
			}
		}
	}
	return x
}

// All returns the whole table, hidden functions included. Do not change it.
func All() []*Function { return table().all }

// ByID returns the function with that id, or nil.
func ByID(id string) *Function { return table().byID[id] }

// ByName returns the functions of that SQL name (or symbol) that can be called by it.
func ByName(name string) []*Function { return table().byName[name] }
