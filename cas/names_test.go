package cas_test

import (
	"strings"
	"testing"

	"chancery/cas"
	"chancery/internal/testenv"
)

// nameOf makes a name of so many characters.
func nameOf(length int) string {
	text := strings.Repeat(strings.Repeat("a", 63)+".", 4)
	return text[:length-len(".test")] + ".test"
}

// What an applicant writes is settled once: the order, its proof and later its
// certificate carry the same name.
func TestNamesAreSettled(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 100)
	env.Grant(wildcard, 100)
	for _, test := range []struct {
		name, domain, product, settled string
	}{
		{"a plain name", "www.example.com", single, "www.example.com"},
		{"the name of a zone", "example.com", single, "example.com"},
		{"upper case", "WWW.Example.COM", single, "www.example.com"},
		{"Unicode", "www.Bücher.example", single, "www.xn--bcher-kva.example"},
		{"Unicode with dots of its own", "www。example。com", single, "www.example.com"},
		{"A-labels", "XN--BCHER-KVA.example", single, "xn--bcher-kva.example"},
		{"a sharp s", "faß.example", single, "xn--fa-hia.example"},
		{"a private top-level domain", "printer.corp", single, "printer.corp"},
		{"a label of 63 characters", strings.Repeat("a", 63) + ".example.com", single, strings.Repeat("a", 63) + ".example.com"},
		{"digits that are no address", "1.2.3.4.example", single, "1.2.3.4.example"},
		{"a wildcard", "*.example.com", wildcard, "*.example.com"},
		{"a wildcard in upper case", "*.Example.COM", wildcard, "*.example.com"},
		{"a wildcard of a Unicode name", "*.bücher.example", wildcard, "*.xn--bcher-kva.example"},
		{"the longest name that a record can prove", nameOf(244), single, nameOf(244)},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out cas.CreateOutput
			env.Signed(create, application(test.domain, parameters{"ProductCode": test.product})).Decode(&out)
			if name := env.Order(out.OrderId).Names.String(); name != test.settled {
				t.Errorf("the order is for %q, want %q", name, test.settled)
			}
			if record := env.State(out.OrderId).RecordDomain; record != "_dnsauth."+strings.TrimPrefix(test.settled, "*.") {
				t.Errorf("the record is %q", record)
			}
		})
	}
	t.Run("the longest name there is, proved by a file", func(t *testing.T) {
		var out cas.CreateOutput
		env.Signed(create, application(nameOf(253), parameters{"ValidateType": "FILE"})).Decode(&out)
		if got := env.State(out.OrderId).Domain; got != nameOf(253) {
			t.Errorf("the host is %q", got)
		}
	})
}

func TestNamesThatAreRefused(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 100)
	env.Grant(wildcard, 100)
	file := parameters{"ValidateType": "FILE"}
	for _, test := range []struct {
		name, domain string
		changes      parameters
		says         string
	}{
		{"an IPv4 address", "192.0.2.1", nil, "IP address"},
		{"an IPv4 address in full-width digits", "１９２.０.２.１", nil, "IP address"},
		{"an IPv4 address of two parts", "127.1", nil, "IP address"},
		{"a hexadecimal address", "0x7f.0x1", nil, "IP address"},
		{"an IPv6 address", "2001:db8::1", nil, "IP address"},
		{"an IPv6 address in brackets", "[2001:db8::1]", nil, "IP address"},
		{"a single label", "localhost", nil, "single label"},
		{"a top-level domain", "com", nil, "single label"},
		{"a public suffix", "co.uk", nil, "public suffix"},
		{"a public suffix in upper case", "CO.UK", nil, "public suffix"},
		{"a Unicode public suffix", "公司.cn", nil, "public suffix"},
		{"a trailing dot", "www.example.com.", nil, "ends in a dot"},
		{"a trailing dot of another script", "www.example.com。", nil, "empty label"},
		{"an underscore", "my_host.example.com", nil, "underscore"},
		{"an underscore at the front", "_dnsauth.example.com", nil, "underscore"},
		{"254 characters", nameOf(254), file, "at most 253"},
		{"254 characters with a DNS proof", nameOf(254), nil, "at most 253"},
		{"a thousand characters", strings.Repeat("a.", 500) + "test", nil, "at most 253"},
		{"a name whose record would be too long", nameOf(245), nil, "use FILE"},
		{"a label of 64 characters", strings.Repeat("a", 64) + ".example.com", nil, "63 characters"},
		{"an empty label", "www..example.com", nil, "empty label"},
		{"a dot at the front", ".example.com", nil, "empty label"},
		{"a hyphen at the front of a label", "-www.example.com", nil, "not a valid domain name"},
		{"a hyphen at the end of a label", "www-.example.com", nil, "not a valid domain name"},
		{"a broken A-label", "xn--bcher-kva-.example.com", nil, "not a valid domain name"},
		{"a port", "www.example.com:443", nil, "not a valid domain name"},
		{"a URL", "https://www.example.com", nil, "not a valid domain name"},
		{"two names", "www.example.com,example.com", nil, "one name can be given here"},
		{"a space", "www.example .com", nil, "not a valid domain name"},
		{"a line end", "www.example.com\n", nil, "not a valid domain name"},
		{"a star in the middle", "www.*.example.com", nil, "first label"},
		{"a star in a label", "w*.example.com", nil, "first label"},
		{"a star alone", "*", nil, "first label"},
		{"a wildcard for a plain product", "*.example.com", nil, "give example.com or choose a wildcard product"},
		{"a plain name for a wildcard product", "www.example.com", parameters{"ProductCode": wildcard}, "give *.www.example.com"},
		{"a wildcard of a public suffix", "*.co.uk", parameters{"ProductCode": wildcard}, "public suffix"},
		{"a wildcard of a single label", "*.com", parameters{"ProductCode": wildcard}, "single label"},
		{"a wildcard below a wildcard", "*.*.example.com", parameters{"ProductCode": wildcard}, "first label"},
		{"a wildcard of an address", "*.192.0.2.1", parameters{"ProductCode": wildcard}, "IP address"},
		{"a wildcard of 254 characters", "*." + nameOf(252), parameters{"ProductCode": wildcard}, "at most 253"},
		{"a file for a wildcard", "*.example.com", parameters{"ProductCode": wildcard, "ValidateType": "FILE"}, "a file cannot prove"},
	} {
		t.Run(test.name, func(t *testing.T) {
			unchanged(t, env, func() {
				check(t, env.Signed(create, application(test.domain, test.changes)), "InvalidParameter", 400, test.says)
			})
		})
	}
}
