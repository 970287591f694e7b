package functions

import (
	"fmt"
	"sort"
	"strings"
)

// Reference writes the reference page of all functions that can be called by name.
func Reference() string {
	var b strings.Builder
	b.WriteString("# Functions and operators\n\nGenerated from the table in package `sql/functions`; do not edit.\n")
	for _, fam := range families() {
		byName := map[string][]*Function{}
		for _, f := range All() {
			if f.Family == fam.name && !f.Hidden {
				byName[f.Name] = append(byName[f.Name], f)
			}
		}
		if len(byName) == 0 {
			continue
		}
		names := make([]string, 0, len(byName))
		for n := range byName {
			names = append(names, n)
		}
		sort.Strings(names)
		fmt.Fprintf(&b, "\n## %s\n\n| name | takes → gives | what it does | example |\n|---|---|---|---|\n", fam.name)
		for _, n := range names {
			fs := byName[n]
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", code(n), signatures(fs), cell(notes(fs[0])), code(fs[0].Example))
		}
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func code(s string) string {
	if s == "" {
		return ""
	}
	if strings.Contains(s, "`") {
		return cell(s)
	}
	return "`" + cell(s) + "`"
}

// signatures lists the argument types of the overloads, grouped by result.
func signatures(fs []*Function) string {
	var parts []string
	for _, f := range fs {
		args := typeList(f.Args)
		if f.Variadic {
			args += ", …"
		}
		parts = append(parts, fmt.Sprintf("(%s) → %s", args, TypeName(f.Ret)))
	}
	return cell(strings.Join(parts, "<br>"))
}

func notes(f *Function) string {
	s := f.Description
	switch {
	case f.Kind == Aggregate:
		s += " (aggregate)"
	case f.Kind == Window:
		s += " (window)"
	case f.Kind == Set:
		s += " (set)"
	case f.Volatility == Volatile:
		s += " (volatile)"
	case f.Volatility == Stable:
		s += " (stable)"
	}
	return s
}
