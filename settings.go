package streamdb

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"streamdb/sql/pgcatalog"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// serverVersion is what server_version shows: the PostgreSQL version whose behaviour
// and catalogs clients find.
const serverVersion = "15.8 (streamdb)"

func findSetting(name string) *setting {
	for i := range settingList {
		if strings.EqualFold(settingList[i].name, name) {
			return &settingList[i]
		}
	}
	return nil
}

// settings is a session's values, with those a transaction can take back.
type settings struct {
	values  map[string]string // by canonical name, where not the default
	reset   map[string]string // what RESET goes back to: from the startup packet
	user    string
	display *types.Settings // cached; nil after a change
}

func newSettings(user string) *settings {
	return &settings{values: map[string]string{}, reset: map[string]string{}, user: user}
}

func (s *settings) clone() *settings {
	c := &settings{values: make(map[string]string, len(s.values)), reset: s.reset, user: s.user}
	for k, v := range s.values {
		c.values[k] = v
	}
	return c
}

// get returns a setting's value; ok is false for an unknown name.
func (s *settings) get(name string) (string, bool) {
	d := findSetting(name)
	if d == nil {
		v, ok := s.values[strings.ToLower(name)]
		return v, ok
	}
	if d.name == "session_authorization" {
		return s.user, true
	}
	if v, ok := s.values[d.name]; ok {
		return v, true
	}
	if v, ok := s.reset[d.name]; ok {
		return v, true
	}
	return d.def, true
}

func (s *settings) text(name string) string { v, _ := s.get(name); return v }

// set checks and sets a value. It returns the setting, nil for a custom one.
func (s *settings) set(name, value string) (*setting, error) {
	d := findSetting(name)
	if isClock(name) {
		return nil, sqlerr.New(sqlerr.CantChangeRuntimeParam, "parameter %q cannot be changed now", clockSetting)
	}
	if d == nil {
		lower := strings.ToLower(name)
		if strings.Contains(name, ".") {
			s.values[lower] = value
			return nil, nil
		}
		return nil, sqlerr.New(sqlerr.UndefinedObject, "unrecognized configuration parameter %q", name)
	}
	if d.fixed {
		if v, err := d.check(value); err == nil && v == s.text(d.name) && d.name == "standard_conforming_strings" {
			return d, nil
		}
		return nil, sqlerr.New(sqlerr.CantChangeRuntimeParam, "parameter %q cannot be changed", d.name)
	}
	v, err := d.check(value)
	if err != nil {
		return nil, err
	}
	s.values[d.name] = v
	s.display = nil
	return d, nil
}

// restore sets a value back to its default.
func (s *settings) restore(name string) (*setting, error) {
	d := findSetting(name)
	if d == nil {
		lower := strings.ToLower(name)
		if _, ok := s.values[lower]; ok {
			delete(s.values, lower)
			return nil, nil
		}
		return nil, sqlerr.New(sqlerr.UndefinedObject, "unrecognized configuration parameter %q", name)
	}
	if d.fixed {
		return nil, sqlerr.New(sqlerr.CantChangeRuntimeParam, "parameter %q cannot be changed", d.name)
	}
	delete(s.values, d.name)
	s.display = nil
	return d, nil
}

// check validates a value and returns it as it is shown.
func (d *setting) check(v string) (string, error) {
	bad := func() (string, error) {
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter %q: %q", d.name, v)
	}
	switch d.kind {
	case "bool":
		switch strings.ToLower(v) {
		case "on", "true", "yes", "1", "t", "y":
			return "on", nil
		case "off", "false", "no", "0", "f", "n":
			return "off", nil
		}
		return "", sqlerr.New(sqlerr.InvalidParameterValue, "parameter %q requires a Boolean value", d.name)
	case "integer":
		n, err := strconv.Atoi(v)
		if err != nil || d.name == "extra_float_digits" && (n < -15 || n > 3) {
			return bad()
		}
		return strconv.Itoa(n), nil
	case "duration":
		ms, err := parseDuration(v)
		if err != nil {
			return bad()
		}
		return showDuration(ms), nil
	case "enum":
		for _, e := range d.enum {
			if strings.EqualFold(e, v) {
				return e, nil
			}
		}
		_, err := bad()
		return "", err.(*sqlerr.Error).WithHint("Available values: %s.", strings.Join(d.enum, ", "))
	case "encoding":
		if e := strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(strings.Trim(v, "'\""))); e != "utf8" && e != "unicode" && e != "sqlascii" {
			return "", sqlerr.New(sqlerr.InvalidParameterValue, "invalid value for parameter \"client_encoding\": %q", v).WithHint("Clients speak UTF8.")
		}
		return "UTF8", nil
	case "timezone":
		loc, err := parseZone(v)
		if err != nil {
			return bad()
		}
		return loc.String(), nil
	case "datestyle":
		st, err := parseDateStyle(v)
		if err != nil {
			return bad()
		}
		return st, nil
	}
	return v, nil
}

// parseDuration reads milliseconds, or a number with a unit.
func parseDuration(v string) (int64, error) {
	v = strings.TrimSpace(v)
	units := []struct {
		suffix string
		ms     float64
	}{{"us", 0.001}, {"ms", 1}, {"min", 60_000}, {"h", 3_600_000}, {"d", 86_400_000}, {"s", 1000}}
	for _, u := range units {
		if n, ok := strings.CutSuffix(v, u.suffix); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
			return int64(f * u.ms), err
		}
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err == nil && n < 0 {
		err = fmt.Errorf("negative")
	}
	return n, err
}

func showDuration(ms int64) string {
	switch {
	case ms == 0:
		return "0"
	case ms%3_600_000 == 0:
		return fmt.Sprintf("%dh", ms/3_600_000)
	case ms%60_000 == 0:
		return fmt.Sprintf("%dmin", ms/60_000)
	case ms%1000 == 0:
		return fmt.Sprintf("%ds", ms/1000)
	}
	return fmt.Sprintf("%dms", ms)
}

// duration returns a setting as a duration, 0 for none.
func (s *settings) duration(name string) time.Duration {
	ms, _ := parseDuration(s.text(name))
	return time.Duration(ms) * time.Millisecond
}

// parseZone reads a time zone: a name, an offset in hours, or an interval.
func parseZone(v string) (*time.Location, error) {
	v = strings.Trim(strings.TrimSpace(v), "'")
	switch strings.ToLower(v) {
	case "default", "local":
		return time.UTC, nil
	}
	if h, err := strconv.ParseFloat(v, 64); err == nil && h >= -24 && h <= 24 {
		return time.FixedZone(v, int(h*3600)), nil
	}
	return types.LoadZone(v)
}

// parseDateStyle returns the canonical "STYLE, ORDER" of a DateStyle value.
func parseDateStyle(v string) (string, error) {
	style, order := "ISO", "MDY"
	for _, w := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' }) {
		switch strings.ToLower(strings.Trim(w, "\"'")) {
		case "iso":
			style = "ISO"
		case "sql":
			style = "SQL"
		case "postgres":
			style = "Postgres"
		case "german":
			style = "German"
			order = "DMY"
		case "mdy", "us", "noneuro", "noneuropean":
			order = "MDY"
		case "dmy", "euro", "european":
			order = "DMY"
		case "ymd":
			order = "YMD"
		case "default":
		default:
			return "", fmt.Errorf("unknown date style %q", w)
		}
	}
	return style + ", " + order, nil
}

// types returns the settings that values and functions depend on.
func (s *settings) types() *types.Settings {
	if s.display == nil {
		st, err := settingsOf(map[string]string{"TimeZone": s.text("TimeZone"), "DateStyle": s.text("DateStyle"),
			"IntervalStyle": s.text("IntervalStyle"), "extra_float_digits": s.text("extra_float_digits"), "bytea_output": s.text("bytea_output")})
		if err != nil {
			st = &types.Settings{}
		}
		s.display = st
	}
	return s.display
}

// recorded returns what a maintained plan takes along of the settings.
func (s *settings) recorded() map[string]string {
	m := make(map[string]string)
	for _, n := range []string{"TimeZone", "DateStyle", "IntervalStyle", "extra_float_digits", "bytea_output", "search_path"} {
		m[n] = s.text(n)
	}
	return m
}

// settingsOf reads the settings that a plan recorded.
func settingsOf(m map[string]string) (*types.Settings, error) {
	st := &types.Settings{}
	var err error
	if v := m["TimeZone"]; v != "" {
		if st.TimeZone, err = parseZone(v); err != nil {
			return nil, err
		}
	}
	style, order, _ := strings.Cut(m["DateStyle"], ", ")
	st.DateStyle = map[string]types.DateStyle{"ISO": types.DateISO, "SQL": types.DateSQL, "Postgres": types.DatePostgres, "German": types.DateGerman}[style]
	st.DateOrder = map[string]types.DateOrder{"MDY": types.OrderMDY, "DMY": types.OrderDMY, "YMD": types.OrderYMD}[order]
	st.IntervalStyle = map[string]types.IntervalStyle{"postgres": types.IntervalPostgres, "postgres_verbose": types.IntervalPostgresVerbose,
		"sql_standard": types.IntervalSQLStandard, "iso_8601": types.IntervalISO8601}[m["IntervalStyle"]]
	if v := m["extra_float_digits"]; v != "" {
		n, err := strconv.Atoi(v)
		if err != nil {
			return nil, err
		}
		st.FloatDigits = min(n, 1) - 1
	}
	st.ByteaEscape = m["bytea_output"] == "escape"
	return st, nil
}

// searchPath returns search_path split into schemas.
func (s *settings) searchPath() []string {
	var path []string
	for _, p := range splitIdents(s.text("search_path")) {
		if p != "" {
			path = append(path, p)
		}
	}
	if path == nil {
		path = []string{"pg_catalog"}
	}
	return path
}

// splitIdents splits a comma-separated list of identifiers, unquoting and folding.
func splitIdents(v string) []string {
	var out []string
	for i := 0; i < len(v); {
		for i < len(v) && (v[i] == ' ' || v[i] == ',') {
			i++
		}
		if i >= len(v) {
			break
		}
		var b strings.Builder
		if v[i] == '"' {
			for i++; i < len(v); i++ {
				if v[i] == '"' {
					if i+1 < len(v) && v[i+1] == '"' {
						i++
					} else {
						break
					}
				}
				b.WriteByte(v[i])
			}
			i++
			out = append(out, b.String())
			continue
		}
		for ; i < len(v) && v[i] != ','; i++ {
			b.WriteByte(v[i])
		}
		out = append(out, strings.ToLower(strings.TrimSpace(b.String())))
	}
	return out
}

// list shows all settings as pg_settings does.
func (s *settings) list() []pgcatalog.Setting {
	var r []pgcatalog.Setting
	for i := range settingList {
		d := &settingList[i]
		v, source, context := s.text(d.name), "default", "user"
		if _, ok := s.values[d.name]; ok {
			source = "session"
		}
		if d.fixed {
			context = "internal"
		}
		typ := map[string]string{"bool": "bool", "integer": "integer", "enum": "enum", "duration": "integer"}[d.kind]
		if typ == "" {
			typ = "string"
		}
		r = append(r, pgcatalog.Setting{Name: d.name, Value: v, Category: "streamdb", Description: d.description,
			Context: context, VarType: typ, Source: source, Enum: d.enum, Boot: d.def, Reset: d.def})
	}
	sort.Slice(r, func(i, j int) bool { return strings.ToLower(r[i].Name) < strings.ToLower(r[j].Name) })
	return r
}
