package file

import (
	"slices"
	"strings"

	"streamdb/sql/chunk"
	"streamdb/sql/format"
	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// Options is what CREATE SOURCE or CREATE SINK says about a file.
type Options struct {
	// Settings are the options of WITH. Source: path, follow. Sink: path, changelog,
	// partition_by.
	// "connector" is ignored.
	Settings map[string]string
	// Format is PLAIN, the default; Encode is JSON or CSV. Case does not count.
	Format, Encode string
	// FormatSettings are the options behind ENCODE CSV: delimiter, header, null, quote,
	// escape. JSON has none.
	FormatSettings map[string]string
}

// config is validated Options.
type config struct {
	path      string
	follow    bool // source only
	changelog bool // sink only
	// partitionBy is columns whose values make directories; sink only.
	partitionBy []string
	csv         bool
	copy        format.CopyOptions // of CSV
	spec        format.Spec
}

// Partitioned reports whether a sink's options ask for a directory of files.
func (o Options) Partitioned() bool {
	for key := range o.Settings {
		if strings.EqualFold(key, "partition_by") {
			return true
		}
	}
	return false
}

// invalid is the error of a value nobody can mean.
func invalid(msg string, args ...any) *sqlerr.Error {
	return sqlerr.New(sqlerr.InvalidParameterValue, msg, args...)
}

// parse validates the options; flag is the option besides path that WITH may have, and
// tells a sink's from a source's.
func (o Options) parse(names []string, typs []types.Type, flag string) (config, error) {
	var c config
	on := false
	allowed := "path, " + flag
	if flag == "changelog" {
		allowed += ", partition_by"
	}
	for _, key := range sortedKeys(o.Settings) {
		value := o.Settings[key]
		var err error
		switch strings.ToLower(key) {
		case "connector":
		case "partition_by":
			if flag != "changelog" {
				err = invalid("unknown option %q of a source with connector file", key).WithHint("Allowed: %s.", allowed)
			}
			for n := range strings.SplitSeq(value, ",") {
				c.partitionBy = append(c.partitionBy, strings.TrimSpace(n))
			}
		case "path":
			c.path = value
		case flag:
			on, err = boolOption(key, value)
		default:
			err = invalid("unknown option %q of connector file", key).WithHint("Allowed: %s.", allowed)
		}
		if err != nil {
			return c, err
		}
	}
	if c.path == "" {
		return c, invalid("connector file needs option \"path\"").WithHint("WITH (connector = 'file', path = '/var/log/access.log', %s = true)", flag)
	}
	if strings.IndexByte(c.path, 0) >= 0 {
		return c, invalid("option \"path\" cannot contain a zero byte")
	}
	if flag == "follow" {
		c.follow = on
	} else {
		c.changelog = on
	}
	c.spec = format.Spec{Schema: chunk.Schema(typs), Columns: names, Relation: c.path, Settings: &types.Settings{}, Lenient: true}
	return c, o.parseFormat(&c)
}

// parseFormat validates FORMAT and ENCODE.
func (o Options) parseFormat(c *config) error {
	if o.Format != "" && !strings.EqualFold(o.Format, "plain") {
		return invalid("connector file does not know FORMAT %s", o.Format).WithHint("Allowed: PLAIN.")
	}
	switch strings.ToUpper(o.Encode) {
	case "JSON":
		for _, key := range sortedKeys(o.FormatSettings) {
			return invalid("unknown option %q of ENCODE JSON", key).WithHint("ENCODE JSON has no options.")
		}
		return nil
	case "CSV":
		c.csv, c.copy = true, format.DefaultCopy(true)
		return o.parseCSV(&c.copy)
	case "":
		return invalid("connector file needs an encoding").WithHint("Add FORMAT PLAIN ENCODE JSON or FORMAT PLAIN ENCODE CSV.")
	}
	return invalid("connector file does not know ENCODE %s", o.Encode).WithHint("Allowed: JSON, CSV.")
}

// parseCSV validates the options of ENCODE CSV.
func (o Options) parseCSV(c *format.CopyOptions) error {
	for _, key := range sortedKeys(o.FormatSettings) {
		value := o.FormatSettings[key]
		var err error
		switch strings.ToLower(key) {
		case "delimiter":
			c.Delimiter, err = byteOption(key, value)
		case "quote":
			c.Quote, err = byteOption(key, value)
		case "escape":
			c.Escape, err = byteOption(key, value)
		case "null":
			c.Null = value
		case "header":
			c.Header, err = headerOption(value)
		default:
			err = invalid("unknown option %q of ENCODE CSV", key).WithHint("Allowed: delimiter, header, null, quote, escape.")
		}
		if err != nil {
			return err
		}
	}
	if _, given := o.FormatSettings["escape"]; !given {
		c.Escape = c.Quote
	}
	return c.Validate()
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func boolOption(key, value string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "true", "t", "on", "yes", "1", "":
		return true, nil
	case "false", "f", "off", "no", "0":
		return false, nil
	}
	return false, invalid("option %q requires a Boolean value, not %q", key, value).WithHint("Allowed: true, false.")
}

func byteOption(key, value string) (byte, error) {
	if len(value) != 1 || value[0] >= 0x80 {
		return 0, invalid("option %q must be a single one-byte character, not %q", key, value)
	}
	return value[0], nil
}

func headerOption(value string) (format.Header, error) {
	if strings.EqualFold(value, "match") {
		return format.HeaderMatch, nil
	}
	on, err := boolOption("header", value)
	if err != nil {
		return 0, invalid("option \"header\" requires a Boolean value or \"match\", not %q", value)
	}
	if on {
		return format.HeaderTrue, nil
	}
	return format.HeaderNone, nil
}
