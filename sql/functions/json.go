package functions

import (
	"strconv"

	"streamdb/sql/sqlerr"
	"streamdb/sql/types"
)

func jsonFuncs() []*Function {
	var fs []*Function
	for _, t := range []string{"jsonb", "json"} {
		fs = append(fs,
			scalar("->", t+",text->"+t, jsonGet(false)), scalar("->", t+",int4->"+t, jsonAt(false)),
			scalar("->>", t+",text->text", jsonGet(true)), scalar("->>", t+",int4->text", jsonAt(true)),
			scalar("#>", t+",text[]->"+t, jsonPathOp(false)), scalar("#>>", t+",text[]->text", jsonPathOp(true)),
			scalar(t+"_extract_path", t+",text->"+t, jsonExtract(false)).variadic(),
			scalar(t+"_extract_path_text", t+",text->text", jsonExtract(true)).variadic(),
			scalar(t+"_object_field", t+",text->"+t, jsonGet(false)), scalar(t+"_object_field_text", t+",text->text", jsonGet(true)),
			scalar(t+"_array_element", t+",int4->"+t, jsonAt(false)), scalar(t+"_array_element_text", t+",int4->text", jsonAt(true)),
			scalar(t+"_typeof", t+"->text", jsonTypeof), scalar(t+"_array_length", t+"->int4", jsonArrayLength),
			scalar(t+"_key", "any->text", jsonKey).nonStrict().hidden().stable(),
			scalar(t+"_build_object", "->"+t, jsonBuildObject).stable(), scalar(t+"_build_object", "any->"+t, jsonBuildObject).nonStrict().variadic().stable(),
			scalar(t+"_build_array", "->"+t, jsonBuildArray).stable(), scalar(t+"_build_array", "any->"+t, jsonBuildArray).nonStrict().variadic().stable(),
			scalar("to_"+t, "anyelement->"+t, toJSON).stable(),
			scalar(t+"_strip_nulls", t+"->"+t, jsonFn(stripNulls)),
			scalar(t+"_object", "text[]->"+t, jsonObject), scalar(t+"_object", "text[],text[]->"+t, jsonObject2),
			set(t+"_object_keys", t+"->text", jsonKeys),
			set(t+"_array_elements", t+"->"+t, jsonElements(false)), set(t+"_array_elements_text", t+"->text", jsonElements(true)),
			jsonEachFn(t, t+"_each", t+"_each_value"), jsonEachFn(t, t+"_each_text", t+"_each_text_value"),
			set(t+"_each_key", t+"->text", jsonKeys).hidden().withID(t+"_each_key"),
			set(t+"_each_value", t+"->"+t, jsonEachValue(false)).hidden().withID(t+"_each_value"),
			set(t+"_each_text_value", t+"->text", jsonEachValue(true)).hidden().withID(t+"_each_text_value"))
	}
	fs = append(fs, scalar("row_to_json", "record->json", unsupportedKernel("row_to_json of a record that is no row of a table")),
		scalar("row_value", "any->record", rowValue).nonStrict().variadic().hidden().stable().withID("row_value"),
		scalar("json_row", "any->json", jsonRow).nonStrict().variadic().hidden().stable().withID("json_row"),
		scalar("jsonb_row", "any->jsonb", jsonBuildObject).nonStrict().variadic().hidden().stable().withID("jsonb_row"),
		scalar("array_to_json", "anyarray->json", toJSON).stable())
	return append(fs, jsonbFuncs()...)
}

func unsupportedKernel(name string) Kernel {
	err := sqlerr.Unsupported("function "+name, -1)
	return func(c *Call) {
		for i := range c.N {
			c.Fail(i, err)
		}
	}
}

// jsonEachFn has two result columns; the planner runs their functions in parallel.
func jsonEachFn(t, name, value string) *Function {
	return &Function{ID: makeID(name, []types.Type{mustType(t)}), Name: name, Kind: Set, Args: []types.Type{mustType(t)},
		Ret: types.Of(types.KindRecord), Strict: true, Columns: []SetColumn{{"key", t + "_each_key"}, {"value", value}}}
}

// docs reads json or jsonb arguments in canonical form.
func (c *Call) docs(arg int) func(i int) (string, error) {
	s := c.strs(arg)
	if c.Args[arg].Type.Kind == types.KindJSONB {
		return func(i int) (string, error) { return types.BytesString(s.at(i)), nil }
	}
	return func(i int) (string, error) {
		b, err := types.ParseJSONB(nil, types.BytesString(s.at(i)))
		return string(b), err
	}
}

// found appends what an operator found; nothing, or JSON null as text, is NULL.
func (c *Call) found(i int, dst []byte, v string, ok, text bool) []byte {
	if !ok || text && types.JSONKindOf(v) == types.JSONNull {
		c.SetNull(i)
		return dst
	}
	if text {
		return types.AppendJSONText(dst, v)
	}
	return append(dst, v...)
}

func jsonGet(text bool) Kernel {
	return func(c *Call) {
		d, k := c.docs(0), c.strs(1)
		c.eachBytes(func(i int, dst []byte) ([]byte, error) {
			v, err := d(i)
			if err != nil {
				return nil, err
			}
			f, ok := types.JSONField(v, types.BytesString(k.at(i)))
			return c.found(i, dst, f, ok, text), nil
		})
	}
}

// element is JSONElement, counting negative positions from the end.
func element(v string, k int64) (string, bool) {
	if types.JSONKindOf(v) != types.JSONArray {
		return "", false
	}
	if k < 0 {
		k += int64(types.JSONLen(v))
	}
	if k < 0 {
		return "", false
	}
	return types.JSONElement(v, int(k))
}

func jsonAt(text bool) Kernel {
	return func(c *Call) {
		d, k := c.docs(0), c.ints(1)
		c.eachBytes(func(i int, dst []byte) ([]byte, error) {
			v, err := d(i)
			if err != nil {
				return nil, err
			}
			f, ok := element(v, k.at(i))
			if at := k.at(i); isScalar(v) && (at == 0 || at == -1) && c.Args[0].Type.Kind == types.KindJSONB && !text {
				f, ok = v, true // a bare scalar is kept as an array of one
			}
			return c.found(i, dst, f, ok, text), nil
		})
	}
}

func isScalar(v string) bool {
	k := types.JSONKindOf(v)
	return k != types.JSONObject && k != types.JSONArray
}

// jsonStep goes one step of a path.
func jsonStep(v, key string) (string, bool) {
	switch types.JSONKindOf(v) {
	case types.JSONObject:
		return types.JSONField(v, key)
	case types.JSONArray:
		k, err := strconv.ParseInt(key, 10, 32)
		if err != nil {
			return "", false
		}
		return element(v, k)
	}
	return "", false
}

// path reads a text[] argument; ok is false if it has a NULL in it.
func (c *Call) path(arg, i int) (keys []string, ok bool) {
	a := c.arr(arg, i)
	for k := range a.Len() {
		if a.Null(k) {
			return nil, false
		}
		keys = append(keys, a.Str(k))
	}
	return keys, true
}

func jsonPathOp(text bool) Kernel {
	return func(c *Call) {
		d := c.docs(0)
		c.eachBytes(func(i int, dst []byte) ([]byte, error) {
			v, err := d(i)
			if err != nil {
				return nil, err
			}
			keys, ok := c.path(1, i)
			for k := 0; ok && k < len(keys); k++ {
				v, ok = jsonStep(v, keys[k])
			}
			return c.found(i, dst, v, ok, text), nil
		})
	}
}

func jsonExtract(text bool) Kernel {
	return func(c *Call) {
		d := c.docs(0)
		c.eachBytes(func(i int, dst []byte) ([]byte, error) {
			v, err := d(i)
			if err != nil {
				return nil, err
			}
			ok := true
			for k := 1; ok && k < len(c.Args); k++ {
				v, ok = jsonStep(v, string(c.strs(k).at(i)))
			}
			return c.found(i, dst, v, ok, text), nil
		})
	}
}

func jsonTypeof(c *Call) {
	d := c.docs(0)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		v, err := d(i)
		return append(dst, types.JSONKindOf(v).String()...), err
	})
}

var (
	errScalarLength = sqlerr.New(sqlerr.InvalidParameterValue, "cannot get array length of a scalar")
	errObjectLength = sqlerr.New(sqlerr.InvalidParameterValue, "cannot get array length of a non-array")
)

func jsonArrayLength(c *Call) {
	d := c.docs(0)
	each(c, c.Out.Ints, func(i int) (int64, error) {
		v, err := d(i)
		if err != nil {
			return 0, err
		}
		switch types.JSONKindOf(v) {
		case types.JSONArray:
			return int64(types.JSONLen(v)), nil
		case types.JSONObject:
			return 0, errObjectLength
		}
		return 0, errScalarLength
	})
}

// jsonValue converts row i of an argument as to_jsonb does.
func (c *Call) jsonValue(arg, i int) string {
	a := c.Args[arg]
	return string(types.AppendJSONValue(nil, a.Type, c.datumAt(arg, i), c.settings()))
}

func jsonBuildObject(c *Call) {
	var b types.JSONBuilder
	odd := sqlerr.New(sqlerr.InvalidParameterValue, "argument list must have even number of elements").
		WithHint("The arguments of %s() must consist of alternating keys and values.", c.Fn.Name)
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if len(c.Args)%2 != 0 {
			return nil, odd
		}
		b.Reset()
		for k := 0; k < len(c.Args); k += 2 {
			if c.isNull(k, i) {
				return nil, sqlerr.New(sqlerr.InvalidParameterValue, "argument %d: key must not be null", k+1)
			}
			b.Member(string(c.appendText(nil, c.Args[k], i)), c.jsonValue(k+1, i))
		}
		return b.AppendObject(dst), nil
	})
}

// ColumnName is the name of the result column of a set-returning function in FROM: its own, unless it names its result.
func ColumnName(name string) string {
	switch name {
	case "json_array_elements", "json_array_elements_text", "jsonb_array_elements", "jsonb_array_elements_text":
		return "value"
	}
	return name
}

// jsonKey makes the text of a key of json_object_agg, which must not be NULL.
func jsonKey(c *Call) {
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		if c.isNull(0, i) {
			return nil, errNullKey
		}
		return c.appendText(dst, c.Args[0], i), nil
	})
}

var errNullKey = sqlerr.New(sqlerr.InvalidParameterValue, "field name must not be null")

func jsonBuildArray(c *Call) {
	var b types.JSONBuilder
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		b.Reset()
		for k := range c.Args {
			b.Element(c.jsonValue(k, i))
		}
		return b.AppendArray(dst), nil
	})
}

func toJSON(c *Call) {
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		return types.AppendJSONValue(dst, c.Args[0].Type, c.datumAt(0, i), c.settings()), nil
	})
}

// jsonFn makes a kernel of one document.
func jsonFn(f func(v string) string) Kernel {
	return func(c *Call) {
		d := c.docs(0)
		c.eachBytes(func(i int, dst []byte) ([]byte, error) {
			v, err := d(i)
			if err != nil {
				return nil, err
			}
			return append(dst, f(v)...), nil
		})
	}
}

// stripNulls drops the members that are null, at every depth.
func stripNulls(v string) string {
	var b types.JSONBuilder
	switch types.JSONKindOf(v) {
	case types.JSONObject:
		for it := types.IterJSON(v); it.Next(); {
			if types.JSONKindOf(it.Value) != types.JSONNull {
				b.Member(it.KeyText(), stripNulls(it.Value))
			}
		}
		return string(b.AppendObject(nil))
	case types.JSONArray:
		for it := types.IterJSON(v); it.Next(); {
			b.Element(stripNulls(it.Value))
		}
		return string(b.AppendArray(nil))
	}
	return v
}

func jsonText(e types.Datum) string {
	if e.Null {
		return "null"
	}
	return string(types.AppendJSONString(nil, e.S))
}

func jsonObject(c *Call) {
	var b types.JSONBuilder
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		a := c.arr(0, i)
		if a.Len()%2 != 0 {
			return nil, sqlerr.New(sqlerr.ArraySubscriptError, "array must have even number of elements")
		}
		b.Reset()
		for k := 0; k < a.Len(); k += 2 {
			if a.Null(k) {
				return nil, sqlerr.New(sqlerr.NullValueNotAllowed, "null value not allowed for object key")
			}
			b.Member(a.Str(k), jsonText(elem(&a, k+1)))
		}
		return b.AppendObject(dst), nil
	})
}

func jsonObject2(c *Call) {
	var b types.JSONBuilder
	c.eachBytes(func(i int, dst []byte) ([]byte, error) {
		ks, vs := c.arr(0, i), c.arr(1, i)
		if ks.Len() != vs.Len() {
			return nil, sqlerr.New(sqlerr.ArraySubscriptError, "mismatched array dimensions")
		}
		b.Reset()
		for k := range ks.Len() {
			if ks.Null(k) {
				return nil, sqlerr.New(sqlerr.NullValueNotAllowed, "null value not allowed for object key")
			}
			b.Member(ks.Str(k), jsonText(elem(&vs, k)))
		}
		return b.AppendObject(dst), nil
	})
}

// eachDoc calls f for the documents of a set-returning function.
func eachDoc(c *Call, counts []int32, f func(v string) (int32, error)) {
	d := c.docs(0)
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		v, err := d(i)
		if err == nil {
			counts[i], err = f(v)
		}
		if err != nil {
			c.Fail(i, err)
		}
	}
}

func notObject(c *Call, v string) error {
	what := "a scalar"
	if types.JSONKindOf(v) == types.JSONArray {
		what = "an array"
	}
	if c.Fn.Name != "jsonb_object_keys" && c.Fn.Name != "json_object_keys" {
		return sqlerr.New(sqlerr.InvalidParameterValue, "cannot call %s on a non-object", eachName(c.Fn.Name))
	}
	return sqlerr.New(sqlerr.InvalidParameterValue, "cannot call %s on %s", c.Fn.Name, what)
}

// eachName is the name users call a column function of jsonb_each by.
func eachName(name string) string {
	for _, suffix := range []string{"_key", "_value"} {
		if n := len(name) - len(suffix); n > 0 && name[n:] == suffix {
			return name[:n]
		}
	}
	return name
}

func jsonKeys(c *Call, counts []int32) {
	eachDoc(c, counts, func(v string) (n int32, err error) {
		if types.JSONKindOf(v) != types.JSONObject {
			return 0, notObject(c, v)
		}
		for it := types.IterJSON(v); it.Next(); n++ {
			c.Out.AppendString(it.KeyText())
		}
		return n, nil
	})
}

// appendFound appends a value of a set; JSON null as text is NULL.
func (c *Call) appendFound(v string, text bool) {
	switch {
	case text && types.JSONKindOf(v) == types.JSONNull:
		c.Out.AppendNull()
	case text:
		c.Out.AppendBytes(types.AppendJSONText(nil, v))
	default:
		c.Out.AppendString(v)
	}
}

func jsonEachValue(text bool) SetKernel {
	return func(c *Call, counts []int32) {
		eachDoc(c, counts, func(v string) (n int32, err error) {
			if types.JSONKindOf(v) != types.JSONObject {
				return 0, notObject(c, v)
			}
			for it := types.IterJSON(v); it.Next(); n++ {
				c.appendFound(it.Value, text)
			}
			return n, nil
		})
	}
}

func jsonElements(text bool) SetKernel {
	return func(c *Call, counts []int32) {
		eachDoc(c, counts, func(v string) (n int32, err error) {
			switch types.JSONKindOf(v) {
			case types.JSONObject:
				return 0, sqlerr.New(sqlerr.InvalidParameterValue, "cannot extract elements from an object")
			case types.JSONArray:
			default:
				return 0, sqlerr.New(sqlerr.InvalidParameterValue, "cannot extract elements from a scalar")
			}
			for it := types.IterJSON(v); it.Next(); n++ {
				c.appendFound(it.Value, text)
			}
			return n, nil
		})
	}
}

// jsonToScalar is the explicit cast of a jsonb number or boolean.
func jsonToScalar(c *Call) {
	s := c.strs(0)
	t := c.Out.Type
	want := types.JSONNumber
	if t.Kind == types.KindBool {
		want = types.JSONBool
	}
	text := func(i int) (string, error) {
		v := types.BytesString(s.at(i))
		if k := types.JSONKindOf(v); k != want {
			return "", sqlerr.New(sqlerr.InvalidParameterValue, "cannot cast jsonb %s to type %s", castKind(k), TypeName(t))
		}
		return v, nil
	}
	for i := range c.N {
		if c.Skipped(i) {
			continue
		}
		v, err := text(i)
		if err == nil {
			err = c.setScalar(i, v)
		}
		if err != nil {
			c.Fail(i, err)
		}
	}
}

// castKind names a kind as the errors of casts do.
func castKind(k types.JSONKind) string {
	if k == types.JSONNumber {
		return "numeric"
	}
	return k.String()
}

// setScalar stores a JSON number or boolean as a value of the result type.
func (c *Call) setScalar(i int, v string) error {
	t := c.Out.Type
	if t.Kind == types.KindBool {
		c.Out.Bools[i] = v == "true"
		return nil
	}
	d, err := types.ParseDec(v)
	if err != nil {
		return err
	}
	switch t.Kind {
	case types.KindInt2:
		c.Out.Ints[i], err = types.DecToInt2(d)
	case types.KindInt4:
		c.Out.Ints[i], err = types.DecToInt4(d)
	case types.KindInt8:
		c.Out.Ints[i], err = types.DecToInt8(d)
	case types.KindFloat4:
		c.Out.Floats[i], err = types.DecToFloat4(d)
	case types.KindFloat8:
		c.Out.Floats[i], err = types.DecToFloat8(d)
	default:
		c.setDec(i, d)
	}
	return err
}
