package planner

import (
	"streamdb/planner/physical"
)

// asofText is the details of an ASOF join; l and r are the names of its sides' columns.
func asofText(j *physical.AsofJoin, l, r []string) string {
	s := " " + string(j.Type) + keysText(j.LeftKeys, j.RightKeys, l, r)
	which := " latest "
	if !j.Op.Backward() {
		which = " earliest "
	}
	return s + which + l[j.LeftTime] + " " + string(j.Op) + " " + r[j.RightTime]
}

// lookupText is the details of a lookup join.
func lookupText(j *physical.LookupJoin, l, r []string) string {
	return " " + string(j.Type) + keysText(j.LeftKeys, j.RightKeys, l, r) + " as of arrival"
}

func keysText(lk, rk []int, l, r []string) string {
	s := ""
	for i := range lk {
		sep := " and "
		if i == 0 {
			sep = " on "
		}
		s += sep + l[lk[i]] + " = " + r[rk[i]]
	}
	return s
}
