package chancery

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestNamesThatAreSettled(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"example.com", "example.com"},
		{"WWW.Example.COM", "www.example.com"},
		{"*.example.com", "*.example.com"},
		{"*.EXAMPLE.com", "*.example.com"},
		{"1.example.com", "1.example.com"},
		{"1and1.example.com", "1and1.example.com"},
		{"127.0.0.1.example.com", "127.0.0.1.example.com"},
		{"a-b.example.com", "a-b.example.com"},
		{"host.corp.internal", "host.corp.internal"}, // private top-level domains are what a private CA is for
		{"www.example.test", "www.example.test"},
		{"user.github.io", "user.github.io"},
		{"github.io", "github.io"}, // a private suffix: its owner may have it certified
		{"bücher.example", "xn--bcher-kva.example"},
		{"BÜCHER.example", "xn--bcher-kva.example"},
		{"bu\u0308cher.example", "xn--bcher-kva.example"}, // decomposed
		{"*.bücher.example", "*.xn--bcher-kva.example"},
		{"xn--bcher-kva.example", "xn--bcher-kva.example"},
		{"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
		{"faß.de", "xn--fa-hia.de"}, // not transitional: not fass.de
		{"例え.テスト", "xn--r8jz45g.xn--zckzah"},
		{"пример.рф", "xn--e1afmkfd.xn--p1ai"},
		{"example。com", "example.com"}, // an ideographic full stop
		{"ｅｘａｍｐｌｅ.com", "example.com"},
		{strings.Repeat("a", 63) + ".example.com", strings.Repeat("a", 63) + ".example.com"},
		{nameOfLength(253), nameOfLength(253)},
		{"*." + nameOfLength(251), "*." + nameOfLength(251)},
	} {
		got, err := ParseName(c.given)
		if err != nil || string(got) != c.want {
			t.Errorf("ParseName(%q) = %q, %v; want %q", c.given, got, err, c.want)
			continue
		}
		if again, err := ParseName(string(got)); again != got {
			t.Errorf("ParseName(%q) = %q, %v", got, again, err)
		}
		if back, err := ParseName(got.Unicode()); back != got {
			t.Errorf("%q reads as %q, and that is %q, %v", got, got.Unicode(), back, err)
		}
	}
}

// nameOfLength is a valid name of so many characters.
func nameOfLength(n int) string {
	name := "example.com"
	for len(name) < n {
		name = strings.Repeat("a", min(63, n-len(name)-1)) + "." + name
	}
	return name
}

func TestNamesThatAreRefused(t *testing.T) {
	for _, c := range []struct{ given, why string }{
		{"", "is empty"},
		{".", "ends in a dot"},
		{"example.com.", "ends in a dot"},
		{"*.example.com.", "ends in a dot"},
		{"example.com。", "empty label"},
		{".example.com", "empty label"},
		{"www..example.com", "empty label"},
		{"*..example.com", "empty label"},
		{"*.", "nothing after its wildcard"},
		{"*", "wildcard only as its whole first label"},
		{"*.*.example.com", "wildcard only as its whole first label"},
		{"www.*.example.com", "wildcard only as its whole first label"},
		{"w*.example.com", "wildcard only as its whole first label"},
		{"＊.example.com", "not a valid domain name"},
		{"_dmarc.example.com", "underscore"},
		{"a_b.example.com", "underscore"},
		{"a＿b.example.com", "not a valid domain name"},
		{"localhost", "single label"},
		{"com", "single label"},
		{"*.com", "single label"},
		{"co.uk", "public suffix"},
		{"*.co.uk", "public suffix"},
		{"CO.UK", "public suffix"},
		{"公司.cn", "public suffix"},
		{"192.0.2.1", "IP address"},
		{"*.192.0.2.1", "IP address"},
		{"２５５.０.０.１", "IP address"},
		{"127.1", "IP address"},
		{"0x7f.1", "IP address"},
		{"host.0X7F", "IP address"},
		{"host.0x", "IP address"},
		{"2130706433", "IP address"},
		{"1.2.3.4.5", "IP address"},
		{"::1", "IP address"},
		{"[2001:db8::1]", "IP address"},
		{"::ffff:192.0.2.1", "IP address"},
		{"-www.example.com", "not a valid domain name"},
		{"www-.example.com", "not a valid domain name"},
		{"ab--cd.example.com", "not a valid domain name"}, // reserved for prefixes such as xn--
		{"xn--a.example", "not a valid domain name"},      // no such A-label
		{"xn--example-.com", "not a valid domain name"},   // an A-label of nothing but ASCII
		{"www example.com", "not a valid domain name"},
		{" www.example.com", "not a valid domain name"},
		{"www.example.com\n", "not a valid domain name"},
		{"www.example.com\x00.evil.test", "not a valid domain name"},
		{"https://www.example.com", "not a valid domain name"},
		{"www.example.com:443", "not a valid domain name"},
		{"user@example.com", "not a valid domain name"},
		{"www.example.com/", "not a valid domain name"},
		{"1א.example", "not a valid domain name"},       // directions mixed
		{"0.ℵ", "not a valid domain name"},              // the same, once the symbol is mapped to a letter
		{"a\u200db.example", "not a valid domain name"}, // a joiner out of place
		{"\xff.example.com", "not UTF-8"},
		{strings.Repeat("a", 64) + ".example.com", "more than 63 characters"},
		{strings.Repeat("ü", 60) + ".example.com", "more than 63 characters"},
		{nameOfLength(254), "at most 253 characters"},
		{"*." + nameOfLength(252), "at most 253 characters"},
		{strings.Repeat("a", 100_000), "too long"},
	} {
		got, err := ParseName(c.given)
		if err == nil || got != "" {
			t.Errorf("ParseName(%.40q) = %q, want an error with %q", c.given, got, c.why)
			continue
		}
		refusal(t, err, InvalidParameter, c.why)
		if len(err.Error()) > 1300 {
			t.Errorf("the error for %.40q has %d characters", c.given, len(err.Error()))
		}
	}
}

func TestPartsOfAName(t *testing.T) {
	for _, c := range []struct {
		name, base Name
		wildcard   bool
		unicode    string
	}{
		{"www.example.com", "www.example.com", false, "www.example.com"},
		{"*.example.com", "example.com", true, "*.example.com"},
		{"*.xn--bcher-kva.example", "xn--bcher-kva.example", true, "*.bücher.example"},
		{"xn--0.example", "xn--0.example", false, "xn--0.example"}, // stands for nothing
	} {
		if c.name.Base() != c.base || c.name.Wildcard() != c.wildcard || c.name.Unicode() != c.unicode || c.name.String() != string(c.name) {
			t.Errorf("%s: base %s, wildcard %t, %s", c.name, c.name.Base(), c.name.Wildcard(), c.name.Unicode())
		}
	}
}

func FuzzName(f *testing.F) {
	for _, seed := range []string{
		"www.example.com", "*.example.com", "WWW.EXAMPLE.COM", "bücher.example", "xn--bcher-kva.example", "faß.de", "１２７.０.０.１",
		"a。b", "*.", "co.uk", "0x7f.1", "ab--cd.ef", "1א.example", "\u200d.a.b", "_x.y.z", nameOfLength(253), "ａ＿ｂ.example", "℀.example",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { checkParsedName(t, text) })
}

func TestAnyTextAsAName(t *testing.T) {
	label := rapid.StringOfN(rapid.RuneFrom([]rune("ab-09AZ_*üßאصx例ｅ１。.\u0308\u200d"), unicode.L, unicode.N), 1, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		checkParsedName(t, strings.Join(rapid.SliceOfN(label, 1, 5).Draw(t, "labels"), "."))
	})
}

// checkParsedName holds what ParseName gives to what a Name promises.
func checkParsedName(t rapid.TB, text string) {
	name, err := ParseName(text)
	if err != nil {
		if name != "" || CodeOf(err) != InvalidParameter {
			t.Fatalf("ParseName(%q) = %q, %v", text, name, err)
		}
		return
	}
	if again, err := ParseName(string(name)); again != name {
		t.Fatalf("ParseName(%q) = %q, but that is %q, %v", text, name, again, err)
	}
	if len(name) > 253 {
		t.Fatalf("ParseName(%q) has %d characters", text, len(name))
	}
	labels := strings.Split(string(name.Base()), ".")
	if len(labels) < 2 {
		t.Fatalf("ParseName(%q) = %q, a single label", text, name)
	}
	for _, label := range labels {
		if len(label) < 1 || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || label[0] == '-' || label[len(label)-1] == '-' {
			t.Fatalf("ParseName(%q) = %q, with the label %q", text, name, label)
		}
	}
	if back, err := ParseName(name.Unicode()); back != name {
		t.Fatalf("%q reads as %q, but that is %q, %v", name, name.Unicode(), back, err)
	}
}
