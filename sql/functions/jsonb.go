package functions

import (
	"strconv"
	"strings"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

// jsonbFuncs is what only jsonb has: containment, existence and changes.
func jsonbFuncs() []*Function {
	two := "jsonb,jsonb->"
	return []*Function{
		scalar("@>", two+"bool", func(c *Call) { jsonContainsOp(c, 0, 1) }), scalar("<@", two+"bool", func(c *Call) { jsonContainsOp(c, 1, 0) }),
		scalar("?", "jsonb,text->bool", jsonExists), scalar("?|", "jsonb,text[]->bool", jsonExistsMany(true)),
		scalar("?&", "jsonb,text[]->bool", jsonExistsMany(false)),
		scalar("||", two+"jsonb", jsonConcat),
		scalar("-", "jsonb,text->jsonb", jsonDeleteKey), scalar("-", "jsonb,int4->jsonb", jsonDeleteIndex),
		scalar("-", "jsonb,text[]->jsonb", jsonDeleteKeys),
		scalar("#-", "jsonb,text[]->jsonb", jsonDeletePath),
		scalar("jsonb_set", "jsonb,text[],jsonb->jsonb", jsonSet), scalar("jsonb_set", "jsonb,text[],jsonb,bool->jsonb", jsonSet),
		scalar("jsonb_set_lax", "jsonb,text[],jsonb,bool,text->jsonb", jsonSetLax).nonStrict().defaults(2),
		scalar("jsonb_insert", "jsonb,text[],jsonb->jsonb", jsonInsert), scalar("jsonb_insert", "jsonb,text[],jsonb,bool->jsonb", jsonInsert),
		scalar("jsonb_pretty", "jsonb->text", jsonFn(func(v string) string { return string(pretty(nil, v, 0)) })),
	}
}

func jsonContainsOp(c *Call, outer, inner int) {
	a, b := c.strs(outer), c.strs(inner)
	for i := range c.Out.Bools {
		if !c.Skip.Get(i) {
			c.Out.Bools[i] = jsonContains(types.BytesString(a.at(i)), types.BytesString(b.at(i)), true)
		}
	}
}

// jsonContains is @>. At the top an array also contains a bare scalar.
func jsonContains(a, b string, top bool) bool {
	ka, kb := types.JSONKindOf(a), types.JSONKindOf(b)
	switch {
	case kb == types.JSONObject && ka == types.JSONObject:
		for it := types.IterJSON(b); it.Next(); {
			v, ok := types.JSONField(a, it.KeyText())
			if !ok || !jsonContains(v, it.Value, false) {
				return false
			}
		}
		return true
	case kb == types.JSONArray && ka == types.JSONArray:
		for it := types.IterJSON(b); it.Next(); {
			if !anyContains(a, it.Value) {
				return false
			}
		}
		return true
	case top && ka == types.JSONArray && kb != types.JSONObject:
		return anyContains(a, b)
	}
	return ka == kb && ka != types.JSONObject && ka != types.JSONArray && types.CompareJSONB(a, b) == 0
}

func anyContains(arr, v string) bool {
	for it := types.IterJSON(arr); it.Next(); {
		if jsonContains(it.Value, v, false) {
			return true
		}
	}
	return false
}

// exists is ?: a key of an object, a string in an array, or the string itself.
func exists(v, key string) bool {
	switch types.JSONKindOf(v) {
	case types.JSONObject:
		_, ok := types.JSONField(v, key)
		return ok
	case types.JSONArray:
		for it := types.IterJSON(v); it.Next(); {
			if exists2(it.Value, key) {
				return true
			}
		}
		return false
	}
	return exists2(v, key)
}

func exists2(v, key string) bool {
	return types.JSONKindOf(v) == types.JSONString && string(types.AppendJSONText(nil, v)) == key
}

func jsonExists(c *Call) {
	d, k := c.strs(0), c.strs(1)
	for i := range c.Out.Bools {
		if !c.Skip.Get(i) {
			c.Out.Bools[i] = exists(types.BytesString(d.at(i)), types.BytesString(k.at(i)))
		}
	}
}

func jsonExistsMany(anyOf bool) Kernel {
	return func(c *Call) {
		d := c.strs(0)
		each(c, c.Out.Bools, func(i int) (bool, error) {
			a := c.arr(1, i)
			for k := range a.Len() {
				if !a.Null(k) && exists(types.BytesString(d.at(i)), a.Str(k)) == anyOf {
					return anyOf, nil
				}
			}
			return !anyOf, nil
		})
	}
}

func jsonConcat(c *Call) {
	a, b := c.strs(0), c.strs(1)
	var jb types.JSONBuilder
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		x, y := types.BytesString(a.at(i)), types.BytesString(b.at(i))
		jb.Reset()
		if types.JSONKindOf(x) == types.JSONObject && types.JSONKindOf(y) == types.JSONObject {
			addMembers(&jb, x)
			addMembers(&jb, y)
			return jb.AppendObject(dst), nil
		}
		addElements(&jb, x)
		addElements(&jb, y)
		return jb.AppendArray(dst), nil
	})
}

func addMembers(b *types.JSONBuilder, v string) {
	for it := types.IterJSON(v); it.Next(); {
		b.Member(it.KeyText(), it.Value)
	}
}

// addElements adds an array's elements; anything else is one element.
func addElements(b *types.JSONBuilder, v string) {
	if types.JSONKindOf(v) != types.JSONArray {
		b.Element(v)
		return
	}
	for it := types.IterJSON(v); it.Next(); {
		b.Element(it.Value)
	}
}

var (
	errDeleteScalar  = sqlerr.New(sqlerr.InvalidParameterValue, "cannot delete from scalar")
	errDeleteObject  = sqlerr.New(sqlerr.InvalidParameterValue, "cannot delete from object using integer index")
	errDeletePath    = sqlerr.New(sqlerr.InvalidParameterValue, "cannot delete path in scalar")
	errSetScalar     = sqlerr.New(sqlerr.InvalidParameterValue, "cannot set path in scalar")
	errReplaceKey    = sqlerr.New(sqlerr.InvalidParameterValue, "cannot replace existing key").WithHint("Try using the function jsonb_set to replace key value.")
	errNullPathEntry = "path element at position %d is null"
)

// without drops the keys (or strings of an array) for which drop is true.
func without(v string, drop func(key string) bool) (string, error) {
	var b types.JSONBuilder
	switch types.JSONKindOf(v) {
	case types.JSONObject:
		for it := types.IterJSON(v); it.Next(); {
			if k := it.KeyText(); !drop(k) {
				b.Member(k, it.Value)
			}
		}
		return string(b.AppendObject(nil)), nil
	case types.JSONArray:
		for it := types.IterJSON(v); it.Next(); {
			if types.JSONKindOf(it.Value) != types.JSONString || !drop(string(types.AppendJSONText(nil, it.Value))) {
				b.Element(it.Value)
			}
		}
		return string(b.AppendArray(nil)), nil
	}
	return "", errDeleteScalar
}

func jsonDeleteKey(c *Call) {
	d, k := c.strs(0), c.strs(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		key := string(k.at(i))
		v, err := without(types.BytesString(d.at(i)), func(s string) bool { return s == key })
		return append(dst, v...), err
	})
}

func jsonDeleteKeys(c *Call) {
	d := c.strs(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		a := c.arr(1, i)
		v, err := without(types.BytesString(d.at(i)), func(s string) bool {
			for k := range a.Len() {
				if !a.Null(k) && a.Str(k) == s {
					return true
				}
			}
			return false
		})
		return append(dst, v...), err
	})
}

func jsonDeleteIndex(c *Call) {
	d, k := c.strs(0), c.ints(1)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		v := types.BytesString(d.at(i))
		switch types.JSONKindOf(v) {
		case types.JSONObject:
			return nil, errDeleteObject
		case types.JSONArray:
		default:
			return nil, errDeleteScalar
		}
		at := k.at(i)
		if at < 0 {
			at += int64(types.JSONLen(v))
		}
		var b types.JSONBuilder
		n := int64(0)
		for it := types.IterJSON(v); it.Next(); n++ {
			if n != at {
				b.Element(it.Value)
			}
		}
		return b.AppendArray(dst), nil
	})
}

// jsonEdit says what to do at the end of a path.
type jsonEdit struct {
	path   []string
	val    string
	del    bool
	create bool // add what is missing
	insert bool // never replace
	after  bool // insert behind the position
}

func (e *jsonEdit) apply(v string, depth int) (string, error) {
	switch types.JSONKindOf(v) {
	case types.JSONObject:
		return e.object(v, depth)
	case types.JSONArray:
		return e.array(v, depth)
	}
	return v, nil
}

func (e *jsonEdit) object(v string, depth int) (string, error) {
	var b types.JSONBuilder
	key, last, seen := e.path[depth], depth == len(e.path)-1, false
	for it := types.IterJSON(v); it.Next(); {
		k := it.KeyText()
		if k != key {
			b.Member(k, it.Value)
			continue
		}
		seen = true
		switch {
		case !last:
			w, err := e.apply(it.Value, depth+1)
			if err != nil {
				return "", err
			}
			b.Member(k, w)
		case e.del:
		case e.insert:
			return "", errReplaceKey
		default:
			b.Member(k, e.val)
		}
	}
	if !seen && last && (e.create || e.insert) && !e.del {
		b.Member(key, e.val)
	}
	return string(b.AppendObject(nil)), nil
}

func (e *jsonEdit) array(v string, depth int) (string, error) {
	at, err := strconv.ParseInt(e.path[depth], 10, 32)
	if err != nil {
		return "", sqlerr.New(sqlerr.InvalidTextRepresentation, "path element at position %d is not an integer: \"%s\"", depth+1, e.path[depth])
	}
	n := int64(types.JSONLen(v))
	last := depth == len(e.path)-1
	if at < 0 {
		at += n
		if at < 0 && last && !e.del {
			at = -1 // before all
		}
	}
	var b types.JSONBuilder
	grows := last && !e.del && (e.create || e.insert)
	if at < 0 && grows {
		b.Element(e.val)
	}
	k := int64(0)
	for it := types.IterJSON(v); it.Next(); k++ {
		if k != at {
			b.Element(it.Value)
			continue
		}
		if err := e.atElement(&b, it.Value, depth, last); err != nil {
			return "", err
		}
	}
	if at >= n && grows {
		b.Element(e.val)
	}
	return string(b.AppendArray(nil)), nil
}

func (e *jsonEdit) atElement(b *types.JSONBuilder, v string, depth int, last bool) error {
	switch {
	case !last:
		w, err := e.apply(v, depth+1)
		if err != nil {
			return err
		}
		b.Element(w)
	case e.del:
	case e.insert && e.after:
		b.Element(v)
		b.Element(e.val)
	case e.insert:
		b.Element(e.val)
		b.Element(v)
	default:
		b.Element(e.val)
	}
	return nil
}

// editKernel runs an edit per row; fill completes it from the arguments.
func editKernel(c *Call, scalarErr error, fill func(i int, e *jsonEdit)) {
	d := c.strs(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		var e jsonEdit
		fill(i, &e)
		return c.edit(i, dst, string(d.at(i)), scalarErr, &e)
	})
}

// edit appends v, edited at the path in argument 1.
func (c *Call) edit(i int, dst []byte, v string, scalarErr error, e *jsonEdit) ([]byte, error) {
	if k := types.JSONKindOf(v); k != types.JSONObject && k != types.JSONArray {
		return nil, scalarErr
	}
	a := c.arr(1, i)
	for k := range a.Len() {
		if a.Null(k) {
			return nil, sqlerr.New(sqlerr.NullValueNotAllowed, errNullPathEntry, k+1)
		}
		e.path = append(e.path, a.Str(k))
	}
	if len(e.path) == 0 || types.JSONLen(v) == 0 && !e.create && !e.insert {
		return append(dst, v...), nil
	}
	r, err := e.apply(v, 0)
	return append(dst, r...), err
}

func jsonDeletePath(c *Call) {
	editKernel(c, errDeletePath, func(_ int, e *jsonEdit) { e.del = true })
}

func jsonSet(c *Call) {
	val := c.strs(2)
	editKernel(c, errSetScalar, func(i int, e *jsonEdit) {
		e.val, e.create = string(val.at(i)), len(c.Args) < 4 || c.bools(3).at(i)
	})
}

// jsonSetLax is jsonb_set that says what an SQL NULL as the new value means.
func jsonSetLax(c *Call) {
	d, val := c.strs(0), c.strs(2)
	how := c.optText(4)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if c.isNull(0, i) || c.isNull(1, i) || len(c.Args) > 3 && c.isNull(3, i) {
			c.SetNull(i)
			return dst, nil
		}
		e := jsonEdit{create: len(c.Args) < 4 || c.bools(3).at(i)}
		v := string(d.at(i))
		switch treat := string(how(i)); {
		case !c.isNull(2, i):
			e.val = string(val.at(i))
		case len(c.Args) < 5, treat == "use_json_null":
			e.val = "null"
		case treat == "delete_key":
			e.del = true
		case treat == "return_target":
			return append(dst, v...), nil
		case treat == "raise_exception":
			return nil, sqlerr.New(sqlerr.NullValueNotAllowed, "JSON value must not be null").
				WithDetail("Exception was raised because null_value_treatment is \"raise_exception\".").
				WithHint("To avoid, either change the null_value_treatment argument or ensure that an SQL NULL is not passed.")
		default:
			return nil, sqlerr.New(sqlerr.InvalidParameterValue,
				"null_value_treatment must be \"delete_key\", \"return_target\", \"use_json_null\", or \"raise_exception\"")
		}
		return c.edit(i, dst, v, errSetScalar, &e)
	})
}

func jsonInsert(c *Call) {
	val := c.strs(2)
	editKernel(c, errSetScalar, func(i int, e *jsonEdit) {
		e.val, e.insert = string(val.at(i)), true
		e.after = len(c.Args) > 3 && c.bools(3).at(i)
	})
}

// pretty writes v over several lines, four blanks per level.
func pretty(dst []byte, v string, depth int) []byte {
	k := types.JSONKindOf(v)
	if k != types.JSONObject && k != types.JSONArray {
		return append(dst, v...)
	}
	open, end := byte('['), byte(']')
	if k == types.JSONObject {
		open, end = '{', '}'
	}
	indent := "\n" + strings.Repeat("    ", depth)
	dst = append(dst, open)
	first := true
	for it := types.IterJSON(v); it.Next(); {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(dst, indent...), "    "...)
		if k == types.JSONObject {
			dst = append(append(dst, it.Key...), ": "...)
		}
		dst = pretty(dst, it.Value, depth+1)
	}
	return append(append(dst, indent...), end)
}
