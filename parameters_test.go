package chancery

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// shelf is an Input struct with every kind of field.
type shelf struct {
	Title  string
	Number int64
	Open   bool
	Names  []string
	Counts []int64
	Books  []book
}

type book struct {
	Key   string
	Pages int64
	Lent  bool
}

// mandatory is one with fields that must be given.
type mandatory struct {
	Domain string `api:"required"`
	Order  int64  `api:"required"`
	Tags   []struct {
		Key string `api:"required"`
	}
}

func TestParametersThatAreRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		given Parameters
		want  shelf
	}{
		{"none", Parameters{}, shelf{}},
		{"names that nobody asked for", Parameters{"Action": "X", "title": "lower case", "TitleX": "x", "": "y"}, shelf{}},
		{"text as it is", Parameters{"Title": " a+b%20\n"}, shelf{Title: " a+b%20\n"}},
		{"an empty value is none", Parameters{"Title": "", "Number": "", "Open": ""}, shelf{}},
		{"numbers", Parameters{"Number": "-9223372036854775808"}, shelf{Number: -1 << 63}},
		{"the greatest number", Parameters{"Number": "9223372036854775807"}, shelf{Number: 1<<63 - 1}},
		{"true", Parameters{"Open": "true"}, shelf{Open: true}},
		{"true in capitals", Parameters{"Open": "TRUE"}, shelf{Open: true}},
		{"true as other clients send it", Parameters{"Open": "tRuE"}, shelf{Open: true}},
		{"false in capitals", Parameters{"Open": "False"}, shelf{}},
		{"a list", Parameters{"Names.1": "a", "Names.2": "b"}, shelf{Names: []string{"a", "b"}}},
		{"a list with holes", Parameters{"Names.30": "c", "Names.4": "b", "Names.1": "a"}, shelf{Names: []string{"a", "b", "c"}}},
		{"a list in the order of its numbers", Parameters{"Names.10": "b", "Names.9": "a"}, shelf{Names: []string{"a", "b"}}},
		{"a list of numbers", Parameters{"Counts.1": "7", "Counts.2": "-7"}, shelf{Counts: []int64{7, -7}}},
		{"a list of objects", Parameters{"Books.1.Key": "a", "Books.1.Pages": "3", "Books.2.Lent": "true"}, shelf{Books: []book{{Key: "a", Pages: 3}, {Lent: true}}}},
		{"an object with fields that nobody asked for", Parameters{"Books.1.Key": "a", "Books.1.Colour": "x"}, shelf{Books: []book{{Key: "a"}}}},
		{"a list that is named like a plain one", Parameters{"Names": "a"}, shelf{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got shelf
			if err := c.given.Decode(&got); err != nil {
				t.Fatal(err)
			}
			if difference := cmp.Diff(c.want, got); difference != "" {
				t.Error(difference)
			}
		})
	}
}

func TestAHundredEntriesAndNoMore(t *testing.T) {
	p := Parameters{}
	for i := range 100 {
		p[fmt.Sprintf("Names.%d", i+1)] = "x"
		p[fmt.Sprintf("Books.%d.Key", 2*i+1)], p[fmt.Sprintf("Books.%d.Pages", 2*i+1)] = "x", "1"
	}
	var got shelf
	if err := p.Decode(&got); err != nil || len(got.Names) != 100 || len(got.Books) != 100 {
		t.Fatalf("%d names and %d books, %v", len(got.Names), len(got.Books), err)
	}
	p["Names.1000000"] = "x"
	refusal(t, p.Decode(&shelf{}), InvalidParameter, "Names: more than 100 entries")
}

func TestParametersThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		given Parameters
		code  Code
		why   string
		into  any
	}{
		{"a word for a number", Parameters{"Number": "seven"}, InvalidParameter, "Number: not a whole number", &shelf{}},
		{"a fraction", Parameters{"Number": "1.0"}, InvalidParameter, "Number: not a whole number", &shelf{}},
		{"a hexadecimal number", Parameters{"Number": "0x10"}, InvalidParameter, "Number: not a whole number", &shelf{}},
		{"a number with blanks", Parameters{"Number": " 1"}, InvalidParameter, "Number: not a whole number", &shelf{}},
		{"too great a number", Parameters{"Number": "9223372036854775808"}, InvalidParameter, "Number: not a whole number in range", &shelf{}},
		{"too small a number", Parameters{"Number": "-9223372036854775809"}, InvalidParameter, "Number: not a whole number in range", &shelf{}},
		{"neither true nor false", Parameters{"Open": "yes"}, InvalidParameter, "Open: not true or false", &shelf{}},
		{"a list from 0", Parameters{"Names.0": "a"}, InvalidParameter, "numbered from 1, as in Names.1", &shelf{}},
		{"a list with a leading zero", Parameters{"Names.1": "a", "Names.01": "b"}, InvalidParameter, "Names.01: lists are numbered", &shelf{}},
		{"a list with a sign", Parameters{"Names.+1": "a"}, InvalidParameter, "numbered from 1", &shelf{}},
		{"a negative number in a list", Parameters{"Names.-1": "a"}, InvalidParameter, "numbered from 1", &shelf{}},
		{"a list with names", Parameters{"Names.first": "a"}, InvalidParameter, "numbered from 1", &shelf{}},
		{"a list without a number", Parameters{"Names.": "a"}, InvalidParameter, "numbered from 1", &shelf{}},
		{"a list beyond all numbers", Parameters{"Names.99999999999999999999": "a"}, InvalidParameter, "numbered from 1", &shelf{}},
		{"an object without a number", Parameters{"Books.Key": "a"}, InvalidParameter, "Books.Key: lists are numbered", &shelf{}},
		{"a long name", Parameters{"Names." + strings.Repeat("x", 5000): "a"}, InvalidParameter, "...", &shelf{}},
		{"a bad number in a list", Parameters{"Counts.2": "x"}, InvalidParameter, "Counts.2: not a whole number", &shelf{}},
		{"a bad field in an object", Parameters{"Books.1.Pages": "x"}, InvalidParameter, "Books.1.Pages: not a whole number", &shelf{}},
		{"a mandatory one absent", Parameters{"Order": "1"}, MissingParameter, "Domain is required", &mandatory{}},
		{"a mandatory one empty", Parameters{"Domain": "", "Order": "1"}, MissingParameter, "Domain is required", &mandatory{}},
		{"a mandatory number absent", Parameters{"Domain": "x"}, MissingParameter, "Order is required", &mandatory{}},
		{"a mandatory field of an object absent", Parameters{"Domain": "x", "Order": "1", "Tags.2.Value": "v"}, MissingParameter, "Tags.2.Key is required", &mandatory{}},
	} {
		t.Run(c.name, func(t *testing.T) { refusal(t, c.given.Decode(c.into), c.code, c.why) })
	}
}

func TestAFieldThatCannotBeAParameter(t *testing.T) {
	var wrong struct{ Share float64 }
	if err := (Parameters{"Share": "0.5"}).Decode(&wrong); CodeOf(err) != InternalError {
		t.Errorf("the error is %v", err)
	}
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	text := rapid.StringN(1, 8, -1)
	number := rapid.Int64().Filter(func(n int64) bool { return n != 0 })
	books := rapid.Custom(func(t *rapid.T) book {
		return book{Key: text.Draw(t, "key"), Pages: rapid.Int64().Draw(t, "pages"), Lent: rapid.Bool().Draw(t, "lent")}
	})
	rapid.Check(t, func(t *rapid.T) {
		want := shelf{
			Title: rapid.String().Draw(t, "title"), Number: rapid.Int64().Draw(t, "number"), Open: rapid.Bool().Draw(t, "open"),
			// An entry without a value is none, so the lists have values only.
			Names:  rapid.SliceOfN(text, 0, 12).Draw(t, "names"),
			Counts: rapid.SliceOfN(number, 0, 3).Draw(t, "counts"),
			Books:  rapid.SliceOfN(books, 0, 12).Draw(t, "books"),
		}
		for _, input := range []any{want, &want} {
			var got shelf
			if err := EncodeParameters(input).Decode(&got); err != nil {
				t.Fatal(err)
			}
			if difference := cmp.Diff(want, got, cmpopts.EquateEmpty()); difference != "" {
				t.Fatal(difference)
			}
		}
	})
}

func TestEncodedParameters(t *testing.T) {
	got := EncodeParameters(shelf{Title: "t", Number: -1, Open: true, Names: []string{"a", "b"}, Books: []book{{Key: "k"}, {Pages: 2, Lent: true}}})
	want := Parameters{
		"Title": "t", "Number": "-1", "Open": "true", "Names.1": "a", "Names.2": "b",
		"Books.1.Key": "k", "Books.2.Pages": "2", "Books.2.Lent": "true",
	}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Error(difference)
	}
}

func FuzzParameters(f *testing.F) {
	for _, seed := range []string{
		"Title=a&Number=1&Open=TRUE", "Names.1=a&Names.2=b", "Names.01=a", "Names.1=&Names.=", "Books.1.Key=a&Books.1.Pages=x",
		"Books.1=a", "Counts.9223372036854775808=1", "Number=-9223372036854775809", "Names.1.1=a", "Books.100.Lent=t",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		p := Parameters{}
		for name := range values {
			p[name] = values.Get(name)
		}
		var got shelf
		if err := p.Decode(&got); err != nil {
			if code := CodeOf(err); code != InvalidParameter && code != MissingParameter {
				t.Fatalf("the error is %v", err)
			}
			return
		}
		checkDecoded(t, got)
	})
}

// checkDecoded: what was read can be written and read again, and is the same but
// for entries of lists that have no value.
func checkDecoded(t *testing.T, first shelf) {
	t.Helper()
	var second shelf
	if err := EncodeParameters(first).Decode(&second); err != nil {
		t.Fatal(err)
	}
	first.Names, first.Counts, first.Books = withValue(first.Names), withValue(first.Counts), withValue(first.Books)
	if difference := cmp.Diff(first, second, cmpopts.EquateEmpty()); difference != "" {
		t.Fatal(difference)
	}
}

func withValue[T comparable](list []T) []T {
	var none T
	return slices.DeleteFunc(list, func(v T) bool { return v == none })
}
