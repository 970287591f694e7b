package exec

import (
	"encoding/binary"
	"math/big"

	"streamdb/sql/chunk"
	"streamdb/sql/types"
)

// accumulatorState is implemented by accumulators whose state can be saved.
type accumulatorState interface {
	// keeps returns what is kept beside the words in t, in parts; at is the first word.
	keeps(t *chunk.KeyTable) []statePart
	// restored makes anew what follows from the parts and from t.
	restored(t *chunk.KeyTable, at int) error
}

func (stateless) keeps(*chunk.KeyTable) []statePart   { return nil }
func (stateless) restored(*chunk.KeyTable, int) error { return nil }

// keepable reports whether the state of all calls can be saved.
func (a *agg) keepable() bool {
	for i := range a.calls {
		if _, ok := a.calls[i].acc.(accumulatorState); !ok {
			return false
		}
	}
	return true
}

// keeps returns what the calls keep, then the table of groups: panes are empty between
// epochs.
func (a *agg) keeps() []statePart {
	var r []statePart
	for i := range a.calls {
		cs := &a.calls[i]
		r = append(r, cs.acc.(accumulatorState).keeps(a.table)...)
		if cs.distinct != nil {
			r = append(r, tablePart{KeyTable: cs.distinct.table})
		}
	}
	return append(r, tablePart{KeyTable: a.table})
}

func (a *agg) restored() error {
	a.emitted = a.table.Len() > 0
	for i := range a.calls {
		cs := &a.calls[i]
		if err := cs.acc.(accumulatorState).restored(a.table, a.table.PayloadOffset()+cs.at); err != nil {
			return err
		}
		if cs.distinct != nil {
			if err := cs.distinct.restored(a.table); err != nil {
				return err
			}
		}
	}
	if a.close != nil {
		a.close.registerAll(a.table, a.closeAt)
	}
	return nil
}

// ofGroups checks that the first key column of t's rows is a group.
func ofGroups(t, groups *chunk.KeyTable) error {
	at := t.Layout().Offset(0)
	for _, s := range t.LiveSlots(nil) {
		if g := *t.Word(s, at); g >= uint64(groups.Slots()) || !groups.Live(int32(g)) {
			return corrupt("a value of group %d, which is not there", g)
		}
	}
	return nil
}

// registerAll notes the windows of all rows of a table by their key column col.
func (w *windowClose) registerAll(t *chunk.KeyTable, col int) {
	all := t.LiveSlots(nil)
	for lo := 0; lo < len(all); lo += chunk.RowsMax {
		slots := all[lo:min(lo+chunk.RowsMax, len(all))]
		end := chunk.NewColumn(t.Layout().Types[col], len(slots))
		t.AppendKey(end, col, slots)
		w.register(end, slots)
	}
}

// restored checks that the cells' references lie within the arena.
func (c *cell) restored(t *chunk.KeyTable, at int) error {
	var refs []chunk.Ref
	for _, s := range t.LiveSlots(nil) {
		row := t.Row(s)[at : at+c.lay.Words()]
		if row[0]&cellSet == 0 {
			continue
		}
		refs = c.lay.Refs(row, refs[:0])
		for _, r := range refs {
			if !c.arena.Holds(r) {
				return corrupt("the result of group %d refers beyond the arena", s)
			}
		}
	}
	return nil
}

// restored makes the groups' lists anew.
func (v *valueSet) restored(groups *chunk.KeyTable) error {
	if err := ofGroups(v.table, groups); err != nil {
		return err
	}
	at := v.table.Layout().Offset(0)
	v.heads.reach(groups.Slots())
	v.slots = append(v.slots[:0], 0)
	for _, s := range v.table.LiveSlots(nil) {
		v.slots[0] = s
		v.add(int32(*v.table.Word(s, at)), 0)
		v.size++
		if v.count(s) == 0 {
			v.zombies++
		}
	}
	return nil
}

func (a *extremeAcc) keeps(*chunk.KeyTable) []statePart {
	return []statePart{tablePart{KeyTable: a.set.table}, arenaPart{&a.cell.arena}}
}

func (a *extremeAcc) restored(t *chunk.KeyTable, at int) error {
	if err := a.set.restored(t); err != nil {
		return err
	}
	for g := range a.set.heads.slots() {
		a.heapify(a.set.list(int32(g)))
	}
	return a.cell.restored(t, at)
}

func (a *listAcc) keeps(*chunk.KeyTable) []statePart {
	return []statePart{tablePart{KeyTable: a.set.table}, arenaPart{&a.cell.arena}}
}

func (a *listAcc) restored(t *chunk.KeyTable, at int) error {
	if err := a.set.restored(t); err != nil {
		return err
	}
	return a.cell.restored(t, at)
}

func (a *floatAcc) keeps(t *chunk.KeyTable) []statePart {
	return []statePart{&groupPart{table: t, append: a.appendGroup, load: a.loadGroup}, arenaPart{&a.cell.arena}}
}

func (a *floatAcc) appendGroup(dst []byte, s int32) []byte {
	if int(s) >= a.rows.slots() || !hasSums(a.rows.row(s)) {
		return dst
	}
	row := a.rows.row(s)
	dst = a.pool.load(row[1:], &a.sum).append(binary.AppendVarint(dst, int64(row[0])))
	if !a.squares() {
		return (&exactFloat{}).append(dst)
	}
	return a.pool.load(row[1+exactWords:], &a.sum2).append(dst)
}

// hasSums reports whether there is something in a group's row of sums.
func hasSums(row []uint64) bool {
	for _, w := range row {
		if w != 0 {
			return true
		}
	}
	return false
}

func (a *floatAcc) loadGroup(s int32, r *stateReader) error {
	a.rows.reach(int(s) + 1)
	row := a.rows.row(s)
	row[0] = uint64(r.varint())
	a.pool.store(row[1:], a.sum.load(r))
	if a.sum2.load(r); a.squares() {
		a.pool.store(row[1+exactWords:], &a.sum2)
	}
	return nil
}

func (a *floatAcc) restored(t *chunk.KeyTable, at int) error {
	if err := sumsOf(&a.rows, t); err != nil {
		return err
	}
	return a.cell.restored(t, at)
}

// sumsOf checks that only groups have sums.
func sumsOf(rows *sideRows, t *chunk.KeyTable) error {
	for s := range int32(rows.slots()) {
		if hasSums(rows.row(s)) && (int(s) >= t.Slots() || !t.Live(s)) {
			return corrupt("sums of group %d, which is not there", s)
		}
	}
	return nil
}

// limbsMax is above the number of limbs that any float64 sum has.
const limbsMax = 80

func (s *exactFloat) append(dst []byte) []byte {
	for _, v := range []int64{s.nan, s.posInf, s.negInf, int64(s.lo), int64(s.adds)} {
		dst = binary.AppendVarint(dst, v)
	}
	dst = binary.AppendUvarint(dst, uint64(len(s.limbs)))
	for _, l := range s.limbs {
		dst = binary.AppendVarint(dst, l)
	}
	return dst
}

func (s *exactFloat) load(r *stateReader) *exactFloat {
	*s = exactFloat{limbs: s.limbs[:0]}
	s.nan, s.posInf, s.negInf = r.varint(), r.varint(), r.varint()
	lo, adds := r.varint(), r.varint()
	n := r.count()
	if n > limbsMax || lo < 0 || lo > limbsMax || adds < 0 || adds > addsMax {
		r.bad = true
		return s
	}
	s.lo, s.adds = int32(lo), int32(adds)
	for range n {
		s.limbs = append(s.limbs, r.varint())
	}
	return s
}

func (a *numericAcc) keeps(t *chunk.KeyTable) []statePart {
	return []statePart{&groupPart{table: t, append: a.appendGroup, load: a.loadGroup}, arenaPart{&a.cell.arena}}
}

func (a *numericAcc) appendGroup(dst []byte, s int32) []byte {
	m := a.mixed.load(s)
	if m == nil {
		return dst
	}
	for _, v := range []int64{m.nan, m.posInf, m.negInf} {
		dst = binary.AppendVarint(dst, v)
	}
	for i := range m.scales {
		e := &m.scales[i]
		for _, w := range e.row {
			dst = binary.LittleEndian.AppendUint64(dst, w)
		}
		if e.wide == nil {
			dst = append(dst, 0)
			continue
		}
		dst = appendBig(append(dst, 1), &e.wide.sum)
		dst = appendBig(dst, &e.wide.squares)
	}
	return dst
}

func (a *numericAcc) loadGroup(s int32, r *stateReader) error {
	m := &mixedSum{nan: r.varint(), posInf: r.varint(), negInf: r.varint()}
	for len(r.b) > 0 {
		e := scaleSum{}
		for i := range e.row {
			e.row[i] = r.word()
		}
		if e.row[sumKind]&0xff != sumInline || len(m.scales) > 0 && m.scales[len(m.scales)-1].scale() >= e.scale() || e.scale() > types.ScaleMax {
			return corrupt("a sum of scale %d out of place", e.scale())
		}
		if r.byte() != 0 {
			e.wide = &wideSum{}
			r.big(&e.wide.sum)
			r.big(&e.wide.squares)
		}
		m.scales = append(m.scales, e)
	}
	if r.bad || a.mixed.has(s) {
		return corrupt("the sum of group %d", s)
	}
	a.mixed.heads.reach(int(s) + 1)
	a.mixed.store(s, m)
	return nil
}

func (a *numericAcc) restored(t *chunk.KeyTable, at int) error {
	for s := range int32(a.mixed.heads.slots()) {
		if a.mixed.has(s) && (int(s) >= t.Slots() || !t.Live(s) || *t.Word(s, at+sumKind) != sumMixed) {
			return corrupt("a sum of group %d, which has none beside its words", s)
		}
	}
	for _, s := range t.LiveSlots(nil) {
		if state := *t.Word(s, at+sumKind); state == sumMixed && !a.mixed.has(s) || state&0xff > sumMixed {
			return corrupt("the sum of group %d is missing", s)
		}
	}
	return a.cell.restored(t, at+a.sum)
}

// appendBig appends the sign, the length and the magnitude of v.
func appendBig(dst []byte, v *big.Int) []byte {
	b := v.Bytes()
	dst = append(dst, byte(v.Sign()+1))
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

func (r *stateReader) big(v *big.Int) {
	sign := r.byte()
	v.SetBytes(r.bytes(r.uvarint()))
	if sign == 0 {
		v.Neg(v)
	}
}

func (a *regressionAcc) keeps(t *chunk.KeyTable) []statePart {
	return []statePart{&groupPart{table: t, append: a.appendGroup, load: a.loadGroup}, arenaPart{&a.cell.arena}}
}

func (a *regressionAcc) appendGroup(dst []byte, s int32) []byte {
	if int(s) >= a.rows.slots() || !hasSums(a.rows.row(s)) {
		return dst
	}
	g := a.load(a.rows.row(s))
	dst = binary.AppendVarint(dst, g.n)
	for _, sum := range g.sums() {
		dst = sum.append(dst)
	}
	return dst
}

func (a *regressionAcc) loadGroup(s int32, r *stateReader) error {
	a.rows.reach(int(s) + 1)
	row := a.rows.row(s)
	row[0] = uint64(r.varint())
	for i, sum := range a.group.sums() {
		a.pool.store(row[1+i*exactWords:], sum.load(r))
	}
	return nil
}

func (a *regressionAcc) restored(t *chunk.KeyTable, at int) error {
	if err := sumsOf(&a.rows, t); err != nil {
		return err
	}
	return a.cell.restored(t, at)
}

func (a *orderedSetAcc) keeps(*chunk.KeyTable) []statePart {
	return []statePart{tablePart{KeyTable: a.v.table}, arenaPart{&a.cell.arena}}
}

func (a *orderedSetAcc) restored(t *chunk.KeyTable, at int) error {
	if err := ofGroups(a.v.table, t); err != nil {
		return err
	}
	a.v.rows.reach(t.Slots())
	group := a.v.table.Layout().Offset(0)
	all := a.v.table.LiveSlots(nil)
	for _, s := range all {
		if a.v.count(s) <= 0 || *a.v.table.Word(s, a.v.table.PayloadOffset()+statListed) != listedPlaced {
			return corrupt("a value that occurs %d times", a.v.count(s))
		}
		a.v.addFresh(int32(*a.v.table.Word(s, group)), s)
	}
	for _, s := range all {
		a.v.settle(int32(*a.v.table.Word(s, group)))
	}
	a.v.gone = a.v.gone[:0] // none: all occur
	return a.cell.restored(t, at)
}
