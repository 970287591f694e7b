package pgcatalog

import (
	"maps"
	"slices"
	"strings"

	"streamdb/sql/catalog"
)

// options lists a map as name=value in order of names, secrets masked.
func options(m map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+mask(k, m[k]))
	}
	return out
}

// connectorOptions lists all that is said about a connector.
func connectorOptions(c *catalog.Connector) []string {
	out := options(c.Options)
	if c.Format != "" {
		out = append(out, "format="+c.Format)
	}
	if c.Encode != "" {
		out = append(out, "encode="+c.Encode)
	}
	return append(out, options(c.FormatOptions)...)
}

// secretWords mark the names of options whose values are not shown.
var secretWords = []string{"password", "secret", "token", "credential", "private", "sasl", "apikey", "api_key", "api.key", "access.key", "access_key"}

// mask hides the value of an option that may be a secret.
func mask(name, value string) string {
	n := strings.ToLower(name)
	for _, w := range secretWords {
		if strings.Contains(n, w) {
			return "********"
		}
	}
	return value
}
