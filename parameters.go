package chancery

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Parameters is the one map of a request's parameters: authentication and
// operations both read it, so that nobody looks at another copy. Lists stand in
// it as Name.1, Name.2, lists of objects as Name.1.Field.
//
// The Input struct of an operation says what it takes: the names of its fields
// are the parameters. A field is a string, int64, bool, []string, or a list of
// structs of such; the tag `api:"required"` makes it mandatory. An empty value
// counts as absent. Names that the struct does not have are ignored, since every
// real client sends some.
type Parameters map[string]string

// Decode fills the struct that input points to. It is MissingParameter for a
// mandatory parameter that is absent or empty and InvalidParameter for a value
// that cannot be read, each naming the parameter.
func (p Parameters) Decode(input any) error {
	return p.decodeStruct("", reflect.ValueOf(input).Elem())
}

func (p Parameters) decodeStruct(prefix string, into reflect.Value) error {
	for i := range into.NumField() {
		field := into.Type().Field(i)
		name := prefix + field.Name
		if err := p.decodeField(name, into.Field(i)); err != nil {
			return err
		}
		if Required(field) && !p.given(name, field.Type) {
			return Errorf(MissingParameter, "%s is required and was not given or is empty", name)
		}
	}
	return nil
}

// given tells whether a parameter has a value; that of a list is in its entries.
func (p Parameters) given(name string, kind reflect.Type) bool {
	if kind.Kind() != reflect.Slice {
		return p[name] != ""
	}
	for other := range p {
		if strings.HasPrefix(other, name+".") {
			return true
		}
	}
	return false
}

// Required tells whether a field of an Input struct is mandatory.
func Required(field reflect.StructField) bool { return field.Tag.Get("api") == "required" }

func (p Parameters) decodeField(name string, into reflect.Value) error {
	if into.Kind() == reflect.Slice {
		return p.decodeList(name, into)
	}
	text := p[name]
	if text == "" {
		return nil
	}
	switch into.Kind() {
	case reflect.String:
		into.SetString(text)
	case reflect.Int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return Errorf(InvalidParameter, "%s: not a whole number in range", name)
		}
		into.SetInt(n)
	case reflect.Bool:
		b, err := strconv.ParseBool(strings.ToLower(text))
		if err != nil {
			return Errorf(InvalidParameter, "%s: not true or false", name)
		}
		into.SetBool(b)
	default:
		return fmt.Errorf("parameter %s has a field of type %s", name, into.Type())
	}
	return nil
}

// decodeList keeps the order of the numbers and skips holes.
func (p Parameters) decodeList(name string, into reflect.Value) error {
	numbers, err := p.listNumbers(name + ".")
	if err != nil {
		return err
	}
	for _, n := range numbers {
		item := reflect.New(into.Type().Elem()).Elem()
		prefix := name + "." + strconv.Itoa(n)
		if item.Kind() == reflect.Struct {
			err = p.decodeStruct(prefix+".", item)
		} else {
			err = p.decodeField(prefix, item)
		}
		if err != nil {
			return err
		}
		into.Set(reflect.Append(into, item))
	}
	return nil
}

// listNumbers refuses 01 beside 1: one meaning, one way to write it.
func (p Parameters) listNumbers(prefix string) ([]int, error) {
	var numbers []int
	for name := range p {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		digits, _, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(digits)
		if err != nil || n < 1 || strconv.Itoa(n) != digits {
			return nil, Errorf(InvalidParameter, "%s: lists are numbered from 1, as in %s1", excerpt(name), prefix)
		}
		if !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
		if len(numbers) > maxList {
			return nil, Errorf(InvalidParameter, "%s: more than %d entries", strings.TrimSuffix(prefix, "."), maxList)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

const maxList = 100

// EncodeParameters writes an Input struct (or a pointer to one) as parameters:
// what Decode reads back.
func EncodeParameters(input any) Parameters {
	p := Parameters{}
	p.encodeStruct("", reflect.Indirect(reflect.ValueOf(input)))
	return p
}

func (p Parameters) encodeStruct(prefix string, from reflect.Value) {
	for i := range from.NumField() {
		p.encodeField(prefix+from.Type().Field(i).Name, from.Field(i))
	}
}

func (p Parameters) encodeField(name string, from reflect.Value) {
	switch from.Kind() {
	case reflect.Slice:
		for i := range from.Len() {
			p.encodeField(name+"."+strconv.Itoa(i+1), from.Index(i))
		}
	case reflect.Struct:
		p.encodeStruct(name+".", from)
	default:
		if !from.IsZero() {
			p[name] = fmt.Sprint(from.Interface())
		}
	}
}
