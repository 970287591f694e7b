package differential

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"streamdb/sqllogictest"
)

// sumPrecision holds every sum of float64 values exactly: 2,098 bits of exponents and carries of 2^60 additions.
const sumPrecision = 2200

// floatRow is a row of the table whose sums are taken.
type floatRow struct {
	group int
	x     float64
	r     float32
}

// randomFloat draws over the whole range of exponents, with values that cancel, and a few special ones.
func randomFloat(rng *rand.Rand) float64 {
	switch n := rng.IntN(100); n {
	case 0:
		return math.Inf(1 - 2*rng.IntN(2))
	case 1:
		return math.NaN()
	case 2, 3, 4, 5:
		return 5e-324 * float64(1+rng.IntN(9))
	}
	switch rng.IntN(8) {
	case 0, 1, 2:
		return math.Ldexp(rng.Float64()-0.5, rng.IntN(2000)-1050)
	default:
		return math.Ldexp(rng.Float64()-0.5, rng.IntN(120)-60)
	}
}

// exactSum returns the correctly rounded sum, with IEEE's rules for infinities and NaN.
func exactSum(values []float64) (sum *big.Float, special float64, isSpecial bool) {
	sum = new(big.Float).SetPrec(sumPrecision)
	inf := 0.0
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			inf += v // Inf - Inf and NaN give NaN.
			isSpecial = true
			continue
		}
		sum.Add(sum, new(big.Float).SetPrec(sumPrecision).SetFloat64(v))
	}
	return sum, inf, isSpecial
}

// TestFloatSums compares SUM over double precision and real with exact arithmetic while rows come and go.
func TestFloatSums(t *testing.T) {
	conn := startOurs(t, sqllogictest.Mode{Name: "float", Workers: 2})
	t.Logf("seed %d", *seed)
	rng := rand.New(rand.NewPCG(*seed, 3))
	must := func(sql string) *answer {
		a, err := ask(t.Context(), conn, sql)
		if err != nil || a.state != "" {
			t.Fatalf("%v %+v\n  %s", err, a, sql)
		}
		return a
	}
	must("CREATE TABLE f (id int PRIMARY KEY, g int, x double precision, r real)")
	must("CREATE MATERIALIZED VIEW s AS SELECT g, sum(x) AS sx, sum(r) AS sr, count(*) AS n FROM f GROUP BY g")
	rows := map[int]floatRow{}
	next := 0
	for range 60 {
		var values []string
		for range 1 + rng.IntN(40) {
			x := randomFloat(rng)
			row := floatRow{group: rng.IntN(4), x: x, r: float32(math.Ldexp(rng.Float64()-0.5, rng.IntN(200)-100))}
			rows[next] = row
			values = append(values, fmt.Sprintf("(%d, %d, '%s', '%s')", next, row.group, formatFloat(row.x, 64), formatFloat(float64(row.r), 32)))
			next++
		}
		must("INSERT INTO f VALUES " + strings.Join(values, ", "))
		var ids []string
		for id := range next {
			if _, ok := rows[id]; ok && rng.IntN(3) == 0 {
				delete(rows, id)
				ids = append(ids, strconv.Itoa(id))
			}
		}
		if len(ids) > 0 {
			must("DELETE FROM f WHERE id IN (" + strings.Join(ids, ", ") + ")")
		}
		want := expectedSums(rows)
		for _, how := range []string{"SELECT * FROM s", "SELECT g, sum(x), sum(r), count(*) FROM f GROUP BY g"} {
			if missing, extra := subtract(want, must(how).rows), subtract(must(how).rows, want); len(missing)+len(extra) > 0 {
				t.Fatalf("%s: missing %q, too many %q", how, missing, extra)
			}
		}
	}
}

// expectedSums returns the rows of the view, sorted as ask does. A group whose finite sum leaves the range of its type is
// an error in SQL; the values are chosen so that this does not happen.
func expectedSums(rows map[int]floatRow) []string {
	xs, rs := map[int][]float64{}, map[int][]float64{}
	for _, r := range rows {
		xs[r.group] = append(xs[r.group], r.x)
		rs[r.group] = append(rs[r.group], float64(r.r))
	}
	a := &answer{}
	for g := range 4 {
		if len(xs[g]) == 0 {
			continue
		}
		sum, special, isSpecial := exactSum(xs[g])
		x, _ := sum.Float64()
		if isSpecial {
			x = special
		}
		sum, _, _ = exactSum(rs[g])
		r, _ := sum.Float32()
		a.rows = append(a.rows, fmt.Sprintf("%q %q %q %q", strconv.Itoa(g), formatFloat(x, 64), formatFloat(float64(r), 32), strconv.Itoa(len(xs[g]))))
	}
	return a.rows
}

// formatFloat writes a float as PostgreSQL does: the shortest digits that read back, in its own layout.
func formatFloat(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	s := strconv.FormatFloat(f, 'e', -1, bits)
	mantissa, exponent, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exponent)
	precision := 15
	if bits == 32 {
		precision = 6
	}
	if f == 0 || e >= -4 && e < precision {
		return strconv.FormatFloat(f, 'f', -1, bits)
	}
	return fmt.Sprintf("%se%+03d", mantissa, e)
}

func TestFormatFloat(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0", 1.5: "1.5", 1e14: "100000000000000", 1e15: "1e+15", 0.0001: "0.0001", 0.00001: "1e-05", 1e100: "1e+100", 5e-324: "5e-324",
		123456789.125: "123456789.125",
	} {
		if got := formatFloat(f, 64); got != want {
			t.Errorf("%g is written %s, want %s", f, got, want)
		}
	}
	if got := formatFloat(float64(float32(1e6)), 32); got != "1e+06" {
		t.Errorf("real 1e6 is written %s", got)
	}
}
