package chancery

import (
	"math"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestMethods(t *testing.T) {
	for text, want := range map[string]Method{"DNS": DNS, "dns": DNS, "Dns": DNS, "FILE": FILE, "file": FILE} {
		if got, err := ParseMethod(text); err != nil || got != want {
			t.Errorf("ParseMethod(%q) = %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "DNS ", "HTTP", "EMAIL", "ＤＮＳ", "fıle"} {
		_, err := ParseMethod(text)
		refusal(t, err, InvalidParameter, "is not DNS or FILE")
	}
}

func TestWhatMustBePublished(t *testing.T) {
	for _, c := range []struct {
		name   Name
		method Method
		proved Name
		record string
	}{
		{"www.example.com", DNS, "www.example.com", "_dnsauth.www.example.com"},
		{"www.example.com", FILE, "www.example.com", "_dnsauth.www.example.com"},
		{"*.example.com", DNS, "example.com", "_dnsauth.example.com"},
	} {
		v, err := newValidation(c.name, c.method, beginning)
		if err != nil || v.Name != c.proved || v.Method != c.method || v.Record() != c.record {
			t.Errorf("%s by %s: %+v, record %s, %v", c.name, c.method, v, v.Record(), err)
		}
	}
}

func TestProofsThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name   Name
		method Method
		why    string
	}{
		{"*.example.com", FILE, "a file cannot prove control of the wildcard *.example.com"},
		{Name(nameOfLength(245)), DNS, "longer than DNS allows; use FILE"},
		{Name(nameOfLength(253)), DNS, "longer than DNS allows; use FILE"},
		{Name("*." + nameOfLength(245)), DNS, "longer than DNS allows"},
	} {
		v, err := newValidation(c.name, c.method, beginning)
		refusal(t, err, InvalidParameter, c.why)
		if v != (Validation{}) {
			t.Errorf("%s: there is something to publish: %+v", c.name, v)
		}
	}
	for _, c := range []struct {
		name   Name
		method Method
	}{{Name(nameOfLength(244)), DNS}, {Name("*." + nameOfLength(244)), DNS}, {Name(nameOfLength(253)), FILE}} {
		v, err := newValidation(c.name, c.method, beginning)
		if err != nil || c.method == DNS && len(v.Record()) != 253 {
			t.Errorf("a name of %d characters: %v", len(c.name), err)
		}
	}
}

// TestTokensCannotBeGuessed: the shape is the API page's sample's, a time and
// then characters of which each must be any of 36 with the same chance.
func TestTokensCannotBeGuessed(t *testing.T) {
	shape := regexp.MustCompile(`^20261123090000[a-z0-9]{50}$`)
	if bits := tokenRandom * math.Log2(36); bits < 112 {
		t.Errorf("a token has %.0f random bits", bits)
	}
	tokens := map[string]bool{}
	var random strings.Builder
	inAnotherZone := time.Date(2026, 11, 23, 17, 0, 0, 0, time.FixedZone("east", 8*60*60))
	for range 400 {
		v, err := newValidation("www.example.com", DNS, inAnotherZone)
		if err != nil || !shape.MatchString(v.Token) {
			t.Fatalf("token %q, %v", v.Token, err)
		}
		tokens[v.Token] = true
		random.WriteString(v.Token[14:])
	}
	if len(tokens) != 400 {
		t.Errorf("of 400 tokens %d differ", len(tokens))
	}
	const each = 400 * tokenRandom / 36 // 555, and the deviation is 23
	for _, r := range "abcdefghijklmnopqrstuvwxyz0123456789" {
		if n := strings.Count(random.String(), string(r)); n < each-200 || n > each+200 {
			t.Errorf("%q came %d times, %d are expected", r, n, each)
		}
	}
}
