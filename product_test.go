package chancery

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheDefaultCatalogue(t *testing.T) {
	catalogue := DefaultCatalogue()
	wildcards := map[string]bool{
		"digicert-free-1-free": false, "symantec-free-1-free": false, "symantec-dv-1-starter": true,
		"geotrust-dv-1-starter": false, "geotrust-dv-w-starter": true,
		"globalsign-dv-1-personal": false, "globalsign-dv-w-advanced": true,
		"symantec-ov-1-personal": false, "symantec-ov-w-personal": true, "geotrust-ov-1-personal": false, "geotrust-ov-w-personal": true,
		"globalsign-ov-1-personal": false, "globalsign-ov-w-advanced": true, "cfca-ov-1-personal": false, "cfca-ev-w-advanced": true,
	}
	level := func(code string) Level {
		if strings.Contains(code, "-ov-") || code == "cfca-ev-w-advanced" { // OV in spite of its name
			return OV
		}
		return DV
	}
	if len(catalogue) != len(wildcards) {
		t.Errorf("it has %d products", len(catalogue))
	}
	for _, p := range catalogue {
		wildcard, known := wildcards[p.Code]
		if !known || p.Wildcard != wildcard || p.Level != level(p.Code) || p.Review != (p.Level == OV) || p.Issuer != "local" || p.KeyAlgorithm != RSA2048 || p.TermDays != 365 {
			t.Errorf("product %+v", p)
		}
		if want := map[bool]int{true: 90, false: 365}[p.Code == DefaultProduct]; p.LifetimeDays != want {
			t.Errorf("%s lives %d days, want %d", p.Code, p.LifetimeDays, want)
		}
		if settled := p; settled.settle() != nil || settled != p {
			t.Errorf("%s could not stand in a file", p.Code)
		}
	}
}

func TestFindingAProduct(t *testing.T) {
	catalogue := DefaultCatalogue()
	for _, code := range []string{"", DefaultProduct} {
		if p, err := catalogue.Find(code); err != nil || p.Code != DefaultProduct {
			t.Errorf("Find(%q) = %q, %v", code, p.Code, err)
		}
	}
	for _, code := range []string{"digicert-free-1-Free", "none", " "} {
		_, err := catalogue.Find(code)
		refusal(t, err, InvalidParameter, "globalsign-dv-w-advanced")
	}
	_, err := Catalogue{{Code: "mine"}}.Find("") // an operator's list need not have the default
	refusal(t, err, InvalidParameter, "mine")
}

func TestKeysThatTakeLong(t *testing.T) {
	catalogue := Catalogue{{KeyAlgorithm: RSA4096}, {KeyAlgorithm: ECC256}, {KeyAlgorithm: RSA2048}, {KeyAlgorithm: RSA4096}}
	if slow := catalogue.SlowKeys(); !slices.Equal(slow, []KeyAlgorithm{RSA2048, RSA4096}) {
		t.Errorf("they are %v", slow)
	}
	if slow := catalogue[1:2].SlowKeys(); len(slow) != 0 {
		t.Errorf("they are %v", slow)
	}
}

func TestAProductTakesItsKindOfName(t *testing.T) {
	single, wildcard := Product{Code: "s"}, Product{Code: "w", Wildcard: true}
	for _, c := range []struct {
		product Product
		name    Name
		why     string
	}{
		{single, "example.com", ""},
		{wildcard, "*.example.com", ""},
		{single, "*.example.com", "give example.com or choose"},
		{wildcard, "example.com", "give *.example.com or choose"},
	} {
		err := c.product.CheckNames(Names{c.name})
		if c.why != "" {
			refusal(t, err, InvalidParameter, c.why)
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestACatalogueFile(t *testing.T) {
	got, err := ParseCatalogue([]byte(`[
		{"code": "short", "lifetimeDays": 7},
		{"code": "long", "name": "Long", "brand": "B", "level": "OV", "wildcard": true, "lifetimeDays": 36500,
		 "termDays": 30, "keyAlgorithm": "ECC_384", "issuer": "acme"}
	]
	`))
	if err != nil {
		t.Fatal(err)
	}
	want := Catalogue{
		{Code: "short", Name: "short", Level: DV, LifetimeDays: 7, KeyAlgorithm: RSA2048, Issuer: "local"},
		{Code: "long", Name: "Long", Brand: "B", Level: OV, Wildcard: true, LifetimeDays: 36500, TermDays: 30, KeyAlgorithm: ECC384, Issuer: "acme", Review: true},
	}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Error(difference)
	}
	for _, algorithm := range KeyAlgorithms {
		if _, err := ParseCatalogue(fmt.Appendf(nil, `[{"code": "x", "lifetimeDays": 1, "keyAlgorithm": %q}]`, algorithm)); err != nil {
			t.Error(err)
		}
	}
}

func TestCatalogueFilesThatAreRefused(t *testing.T) {
	for _, c := range []struct{ name, text, why string }{
		{"nothing", "", "reading the product list"},
		{"null", "null", "the product list is empty"},
		{"an empty list", "[]", "the product list is empty"},
		{"an object", `{"code": "x"}`, "reading the product list"},
		{"an unknown field", `[{"code": "x", "lifetimeDays": 1, "price": 0}]`, "price"},
		{"text after the list", `[{"code": "x", "lifetimeDays": 1}] []`, "text follows"},
		{"a bracket after the list", `[{"code": "x", "lifetimeDays": 1}]]`, "text follows"},
		{"a brace after the list", `[{"code": "x", "lifetimeDays": 1}]}`, "text follows"},
		{"half a list", `[{"code": "x", "lifetimeDays": 1}`, "reading the product list"},
		{"a number as text", `[{"code": "x", "lifetimeDays": "1"}]`, "lifetimeDays"},
		{"no code", `[{"lifetimeDays": 1}]`, "product 1 (\"\"): code is missing"},
		{"a code twice", `[{"code": "x", "lifetimeDays": 1}, {"code": "x", "lifetimeDays": 2}]`, `"x" is listed twice`},
		{"a level in small letters", `[{"code": "x", "lifetimeDays": 1, "level": "dv"}]`, "not DV or OV"},
		{"another algorithm", `[{"code": "x", "lifetimeDays": 1, "keyAlgorithm": "RSA_1024"}]`, "keyAlgorithm"},
		{"no lifetime", `[{"code": "x"}]`, "lifetimeDays is 0"},
		{"a negative lifetime", `[{"code": "x", "lifetimeDays": -1}]`, "lifetimeDays is -1"},
		{"a lifetime that overflows", `[{"code": "x", "lifetimeDays": 106752}]`, "lifetimeDays is 106752"},
		{"a negative term", `[{"code": "x", "lifetimeDays": 1, "termDays": -1}]`, "termDays is -1"},
		{"a term past the last year that can be written", `[{"code": "x", "lifetimeDays": 1, "termDays": 3000000}]`, "termDays is 3000000"},
		{"the second is wrong", `[{"code": "x", "lifetimeDays": 1}, {"code": "y"}]`, `product 2 ("y")`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParseCatalogue([]byte(c.text))
			if err == nil || got != nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%v, %v; want %q", got, err, c.why)
			}
		})
	}
}
