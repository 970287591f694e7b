package differential

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// schema creates the tables that the queries of views.sql read. item and pair have no key and hold duplicates.
var schema = []string{
	`CREATE TABLE cust (id int PRIMARY KEY, name text, city text, vip boolean, joined date, credit numeric(10,2))`,
	`CREATE TABLE ord (id int PRIMARY KEY, cust int, day date, at timestamp, total numeric(10,2), status text, qty bigint, score float8)`,
	`CREATE TABLE item (ord int, sku text, qty int, price numeric(8,2), note varchar(20))`,
	`CREATE TABLE pair (a int, b int, c smallint)`,
	`CREATE TABLE doc (id int PRIMARY KEY, body jsonb, tags text[], nums int[], uid uuid, gap interval, at timestamptz, code char(4), raw bytea, r real)`,
}

// tables lists the tables with the number of ids that keys are drawn from.
var tables = []struct {
	name string
	row  func(*generator) string
	keys int // 0: no primary key
}{
	{"cust", (*generator).cust, 60},
	{"ord", (*generator).ord, 250},
	{"item", (*generator).item, 0},
	{"pair", (*generator).pair, 0},
	{"doc", (*generator).doc, 60},
}

// generator makes SQL from a seed. The same seed makes the same statements.
type generator struct{ rng *rand.Rand }

func newGenerator(seed uint64) *generator { return &generator{rand.New(rand.NewPCG(seed, 7))} }

// skewed draws from [0, n), small numbers far more often than large ones.
func (g *generator) skewed(n int) int {
	f := g.rng.Float64()
	return int(f * f * f * float64(n))
}

// null returns NULL one time in n, and the value otherwise.
func (g *generator) null(n int, value string) string {
	if g.rng.IntN(n) == 0 {
		return "NULL"
	}
	return value
}

func (g *generator) pick(values ...string) string { return values[g.rng.IntN(len(values))] }

func (g *generator) word() string {
	return g.pick("'ann'", "'bob'", "'Bob'", "'cat'", "''", "'d''or'", "'ünï'", "'a%b'", "'zed'", "'x_y'")
}

func (g *generator) city() string { return g.null(6, g.pick("'Oslo'", "'Rome'", "'Lima'", "'oslo'")) }

func (g *generator) date() string {
	return fmt.Sprintf("'2024-%02d-%02d'", 1+g.rng.IntN(4), 1+g.rng.IntN(28))
}

func (g *generator) timestamp() string {
	return fmt.Sprintf("'2024-01-%02d %02d:%02d:%02d.%d'", 1+g.rng.IntN(5), g.rng.IntN(24), 15*g.rng.IntN(4), g.rng.IntN(60), g.rng.IntN(10))
}

func (g *generator) money(max int) string {
	return fmt.Sprintf("%d.%02d", g.rng.IntN(2*max)-max/2, g.pickInt(0, 10, 25, 50, 99))
}

func (g *generator) pickInt(values ...int) int { return values[g.rng.IntN(len(values))] }

// quarter is a float whose sums are exact in any order.
func (g *generator) quarter() string { return fmt.Sprintf("%g", float64(g.rng.IntN(4000)-1500)/4) }

func (g *generator) cust() string {
	return fmt.Sprintf("(%d, %s, %s, %s, %s, %s)", 1+g.rng.IntN(60), g.null(8, g.word()), g.city(),
		g.null(5, g.pick("true", "false")), g.null(7, g.date()), g.null(6, g.money(500)))
}

func (g *generator) ord() string {
	return fmt.Sprintf("(%d, %s, %s, %s, %s, %s, %s, %s)", 1+g.rng.IntN(250), g.null(10, fmt.Sprint(1+g.skewed(70))),
		g.null(9, g.date()), g.null(9, g.timestamp()), g.null(8, g.money(200)),
		g.null(9, g.pick("'open'", "'paid'", "'sent'", "'OPEN'")), g.null(7, fmt.Sprint(g.rng.IntN(12)-2)), g.null(7, g.quarter()))
}

func (g *generator) item() string {
	return fmt.Sprintf("(%s, %s, %s, %s, %s)", g.null(12, fmt.Sprint(1+g.skewed(260))), g.null(9, g.pick("'pen'", "'ink'", "'gum'", "'box'", "'Pen'")),
		g.null(8, fmt.Sprint(g.rng.IntN(5))), g.null(8, g.money(20)), g.null(3, g.pick("'n1'", "'n2 '", "''")))
}

func (g *generator) pair() string {
	return fmt.Sprintf("(%s, %s, %s)", g.null(6, fmt.Sprint(g.skewed(8))), g.null(6, fmt.Sprint(g.skewed(8))), g.null(6, fmt.Sprint(g.rng.IntN(3))))
}

func (g *generator) doc() string {
	var tags, nums []string
	for range g.rng.IntN(4) {
		tags = append(tags, g.pick("x", "y", "z", "NULL", `"a b"`))
		nums = append(nums, g.pick("1", "2", "3", "7", "NULL"))
	}
	body := g.pick(`{"k": "x", "n": 1}`, `{"k": "y", "n": 2.5, "l": [1, 2, 3]}`, `{"k": null}`, `{"l": []}`, `[1, 2]`, `"s"`, `{"k": "x", "o": {"p": true}}`)
	return fmt.Sprintf("(%d, %s, %s, %s, %s, %s, %s, %s, %s, %s)", 1+g.rng.IntN(60), g.null(8, "'"+body+"'"),
		g.null(8, "'{"+strings.Join(tags, ",")+"}'"), g.null(8, "'{"+strings.Join(nums, ",")+"}'"),
		g.null(8, fmt.Sprintf("'00000000-0000-0000-0000-%012d'", g.rng.IntN(9))),
		g.null(8, g.pick("'1 day'", "'2 hours'", "'1 month 3 days'", "'-5 minutes'", "'00:00:01.5'")),
		g.null(8, fmt.Sprintf("'2024-03-%02d %02d:30:00+00'", 29+g.rng.IntN(3), g.rng.IntN(24))),
		g.null(8, g.pick("'ab'", "'abcd'", "''", "'b'")), g.null(8, g.pick(`'\x00ff'`, `'\x'`, `'abc'`)), g.null(8, g.quarter()))
}

// statement makes one INSERT, UPDATE, DELETE or, rarely, TRUNCATE.
func (g *generator) statement() string {
	switch n := g.rng.IntN(100); {
	case n < 50:
		return g.insert()
	case n < 78:
		return g.update()
	case n < 99:
		return g.delete()
	default:
		return "TRUNCATE " + g.pick("item", "pair")
	}
}

func (g *generator) insert() string {
	t := tables[g.rng.IntN(len(tables))]
	if n := g.rng.IntN(8); n == 0 {
		return g.insertSelect()
	}
	var rows []string
	for range 1 + g.rng.IntN(25) {
		rows = append(rows, t.row(g))
	}
	if t.keys == 0 {
		return "INSERT INTO " + t.name + " VALUES " + strings.Join(rows, ", ")
	}
	conflict := "ON CONFLICT DO NOTHING"
	if g.rng.IntN(3) == 0 {
		// One row at a time: PostgreSQL refuses to update a row twice in one statement.
		rows = rows[:1]
		conflict = "ON CONFLICT (id) DO UPDATE SET " + g.pickUpsert(t.name)
	} else if g.rng.IntN(6) == 0 {
		conflict = "" // Often ends in 23505, on both sides.
		rows = rows[:1]
	}
	return "INSERT INTO " + t.name + " VALUES " + strings.Join(rows, ", ") + " " + conflict
}

func (g *generator) pickUpsert(table string) string {
	switch table {
	case "cust":
		return g.pick("credit = excluded.credit", "name = excluded.name, vip = cust.vip", "credit = cust.credit + excluded.credit")
	case "ord":
		return g.pick("total = ord.total + excluded.total", "status = excluded.status, cust = excluded.cust", "qty = excluded.qty WHERE ord.qty < 5")
	}
	return g.pick("body = excluded.body", "tags = excluded.tags, nums = doc.nums", "code = excluded.code")
}

func (g *generator) insertSelect() string {
	return g.pick(
		// Joins of pair with itself must not grow out of hand.
		"INSERT INTO pair SELECT a, b, c FROM pair WHERE a < 2 AND (SELECT count(*) FROM pair) < 200",
		fmt.Sprintf("INSERT INTO pair SELECT qty, %d, 1 FROM item WHERE qty > 2", g.rng.IntN(5)),
		fmt.Sprintf("INSERT INTO item SELECT id, status, qty::int, total / 4, NULL FROM ord WHERE id < %d", g.rng.IntN(60)),
		"INSERT INTO ord (id, cust, status) SELECT id + 300, id, 'copy' FROM cust WHERE vip ON CONFLICT DO NOTHING",
		fmt.Sprintf("INSERT INTO pair SELECT g %% 4, g, 2 FROM generate_series(1, %d) g", g.rng.IntN(20)))
}

func (g *generator) update() string {
	id := g.rng.IntN(250)
	return g.pick(
		fmt.Sprintf("UPDATE cust SET city = %s WHERE id %% 7 = %d", g.city(), g.rng.IntN(7)),
		fmt.Sprintf("UPDATE cust SET credit = credit + %s, vip = NOT vip WHERE id < %d", g.money(20), g.rng.IntN(60)),
		fmt.Sprintf("UPDATE cust SET name = %s WHERE city = %s", g.word(), g.pick("'Oslo'", "'Rome'")),
		fmt.Sprintf("UPDATE ord SET status = %s WHERE id BETWEEN %d AND %d", g.pick("'open'", "'paid'", "'sent'"), id, id+20),
		fmt.Sprintf("UPDATE ord SET cust = %d, total = total * 2 WHERE id %% 11 = %d", 1+g.skewed(70), g.rng.IntN(11)),
		fmt.Sprintf("UPDATE ord SET total = NULL, qty = qty + 1 WHERE day < %s", g.date()),
		fmt.Sprintf("UPDATE ord SET score = %s, at = at + interval '1 hour' WHERE id < %d", g.quarter(), id),
		fmt.Sprintf("UPDATE ord SET total = c.credit FROM cust c WHERE c.id = ord.cust AND c.id < %d AND ord.id < %d", g.rng.IntN(20), id),
		fmt.Sprintf("UPDATE ord SET id = id + 1000 WHERE id = %d", id),
		fmt.Sprintf("UPDATE item SET qty = qty + 1 WHERE sku = %s", g.pick("'pen'", "'ink'", "'gum'")),
		fmt.Sprintf("UPDATE item SET ord = %d WHERE ord = %d", 1+g.skewed(260), 1+g.skewed(260)),
		"UPDATE item SET price = price + qty WHERE qty < 3",
		fmt.Sprintf("UPDATE pair SET b = %d WHERE a = %d", g.skewed(8), g.skewed(8)),
		fmt.Sprintf("UPDATE pair SET a = b, b = a WHERE c = %d", g.rng.IntN(3)),
		fmt.Sprintf("UPDATE doc SET nums = nums || %d WHERE id %% 5 = %d AND cardinality(nums) < 6", g.rng.IntN(5), g.rng.IntN(5)),
		fmt.Sprintf("UPDATE doc SET gap = gap + interval '1 hour', r = r * 2, code = %s WHERE id < %d AND abs(r) < 100000", g.pick("'q'", "'ab'"), g.rng.IntN(60)),
		fmt.Sprintf("UPDATE ord SET qty = (SELECT count(*) FROM item WHERE item.ord = ord.id) WHERE id %% 13 = %d", g.rng.IntN(13)))
}

func (g *generator) delete() string {
	id := g.rng.IntN(250)
	return g.pick(
		fmt.Sprintf("DELETE FROM cust WHERE id %% 9 = %d", g.rng.IntN(9)),
		fmt.Sprintf("DELETE FROM cust WHERE id = %d", 1+g.skewed(60)),
		fmt.Sprintf("DELETE FROM ord WHERE id BETWEEN %d AND %d", id, id+10),
		fmt.Sprintf("DELETE FROM ord WHERE status = 'sent' AND id %% 4 = %d", g.rng.IntN(4)),
		fmt.Sprintf("DELETE FROM ord WHERE cust = %d", 1+g.skewed(70)),
		fmt.Sprintf("DELETE FROM item WHERE ord < %d AND qty = %d", id, g.rng.IntN(5)),
		"DELETE FROM item WHERE ord NOT IN (SELECT id FROM ord)",
		fmt.Sprintf("DELETE FROM item USING ord WHERE item.ord = ord.id AND ord.qty = %d", g.rng.IntN(6)),
		fmt.Sprintf("DELETE FROM pair WHERE a = %d AND b = %d", g.skewed(8), g.skewed(8)),
		fmt.Sprintf("DELETE FROM pair WHERE c IS NULL OR a + b = %d", g.rng.IntN(10)),
		fmt.Sprintf("DELETE FROM doc WHERE id %% 8 = %d", g.rng.IntN(8)))
}

// round makes the statements of one round. A slice of several is a transaction.
func (g *generator) round() [][]string {
	var out [][]string
	for range 6 {
		if g.rng.IntN(3) > 0 {
			out = append(out, []string{g.statement()})
			continue
		}
		txn := []string{"BEGIN"}
		for range 2 + g.rng.IntN(4) {
			txn = append(txn, g.statement())
		}
		out = append(out, append(txn, g.pick("COMMIT", "COMMIT", "COMMIT", "ROLLBACK")))
	}
	return out
}
