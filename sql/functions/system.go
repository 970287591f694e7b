package functions

import (
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// sessionFuncs is the functions that the session answers: "name signature", per
// volatility. Their kernels call Ctx.Session.
var sessionFuncs = []struct {
	volatility Volatility
	sigs       []string
}{
	{Stable, []string{
		"current_catalog ->name",
		"user ->name", "current_role ->name",
		"current_setting text->text", "current_setting text,bool->text", "current_query ->text",
		"pg_get_replica_identity_index regclass->regclass",
		"getdatabaseencoding ->name",
		"pg_filenode_relation oid,oid->regclass", "inet_server_addr ->text",
		"inet_server_port ->int4", "inet_client_addr ->text", "inet_client_port ->int4",
		"pg_stat_get_numscans oid->int8", "pg_blocking_pids int4->int4[]",
		"pg_describe_object oid,oid,int4->text", "pg_index_column_has_property regclass,int4,text->bool",
		"pg_partition_root regclass->regclass",
		"pg_settings_get_flags text->text[]", "pg_jit_available ->bool", "txid_current_if_assigned ->int8",
	}},
	{Volatile, []string{
		"set_config text,text,bool->text", "nextval regclass->int8", "currval regclass->int8", "setval regclass,int8->int8",
		"setval regclass,int8,bool->int8", "lastval ->int8", "txid_current ->int8", "pg_current_xact_id ->int8",
		"pg_sleep float8->void", "advance_clock interval->timestamptz", "pg_cancel_backend int4->bool", "pg_terminate_backend int4->bool", "pg_terminate_backend int4,int8->bool",
		"pg_advisory_lock int8->void", "pg_advisory_lock int4,int4->void", "pg_advisory_lock_shared int8->void", "pg_advisory_lock_shared int4,int4->void",
		"pg_try_advisory_lock int8->bool", "pg_try_advisory_lock int4,int4->bool", "pg_try_advisory_lock_shared int8->bool",
		"pg_try_advisory_lock_shared int4,int4->bool", "pg_advisory_unlock int8->bool", "pg_advisory_unlock int4,int4->bool",
		"pg_advisory_unlock_shared int8->bool", "pg_advisory_unlock_shared int4,int4->bool", "pg_advisory_unlock_all ->void",
		"pg_advisory_xact_lock int8->void", "pg_advisory_xact_lock int4,int4->void", "pg_advisory_xact_lock_shared int8->void",
		"pg_advisory_xact_lock_shared int4,int4->void", "pg_try_advisory_xact_lock int8->bool", "pg_try_advisory_xact_lock int4,int4->bool",
		"pg_try_advisory_xact_lock_shared int8->bool", "pg_try_advisory_xact_lock_shared int4,int4->bool",
		"pg_reload_conf ->bool",
		"pg_notify text,text->void", "pg_stat_reset ->void", "pg_export_snapshot ->text",
		"pg_stat_clear_snapshot ->void", "pg_log_backend_memory_contexts int4->bool",
	}},
}

// nullableHooks are session functions whose NULL arguments mean something.
var nullableHooks = map[string]bool{"set_config": true, "format_type": true}

func systemFuncs() []*Function {
	var fs []*Function
	for _, group := range sessionFuncs {
		for _, s := range group.sigs {
			name, sig := cutSig(s)
			f := scalar(name, sig, hook)
			f.Volatility = group.volatility
			f.Strict = !nullableHooks[name]
			fs = append(fs, f)
		}
	}
	return append(fs,
		scalar("pg_typeof", "any->regtype", pgTypeof).nonStrict(),
		scalar("gen_random_uuid", "->uuid", randomUUID).volatile(),
		scalar("pg_column_size", "any->int4", columnSize).stable(),
		scalar("pg_size_pretty", "int8->text", sizePretty), scalar("pg_size_bytes", "text->int8", sizeBytes),
		scalar("num_nulls", "any->int4", countNulls(true)).nonStrict().variadic(),
		scalar("num_nonnulls", "any->int4", countNulls(false)).nonStrict().variadic(),
	)
}

func cutSig(s string) (name, sig string) {
	for i := range s {
		if s[i] == ' ' {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func pgTypeof(c *Call) {
	oid := int64(c.Args[0].Type.OID())
	for i := range c.Out.Ints {
		c.Out.Ints[i] = oid
	}
}

func randomUUID(c *Call) {
	each(c, c.Out.UUIDs, func(int) (u [16]byte, err error) {
		if c.Ctx == nil || c.Random == nil {
			return u, errNoRandom
		}
		hi, lo := c.Random(), c.Random()
		for k := range 8 {
			u[k], u[8+k] = byte(hi>>(8*k)), byte(lo>>(8*k))
		}
		u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
		return u, nil
	})
}

func columnSize(c *Call) {
	a := c.Args[0]
	for i := range c.Out.Ints {
		switch a.Type.Class() {
		case types.ClassBytes:
			c.Out.Ints[i] = int64(a.Views[slot(a, i)].Len) + 1
		default:
			c.Out.Ints[i] = max(int64(a.Type.Len()), 1)
		}
	}
}

func countNulls(nulls bool) Kernel {
	return func(c *Call) {
		for i := range c.Out.Ints {
			for k := range c.Args {
				if c.isNull(k, i) == nulls {
					c.Out.Ints[i]++
				}
			}
		}
	}
}

var sizeUnits = []string{"bytes", "kB", "MB", "GB", "TB", "PB"}

// sizePretty shows up to 10239 of a unit, rounding half away from zero.
func sizePretty(c *Call) {
	a := c.ints(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		v, u := a.at(i), 0
		for ; u < len(sizeUnits)-1 && (v >= 10240 || v <= -10240 || u > 0 && abs64(v) >= 20480-1); u++ {
			if u == 0 {
				v = v / 512
			} else {
				v = v / 1024
			}
		}
		if u > 0 {
			if v >= 0 {
				v = (v + 1) / 2
			} else {
				v = (v - 1) / 2
			}
		}
		dst = append(types.AppendInt(dst, v), ' ')
		return append(dst, sizeUnits[u]...), nil
	})
}

func abs64(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

var _ = sqlerr.New
