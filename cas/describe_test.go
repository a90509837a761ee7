package cas_test

import (
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
	"chancery/signature"
)

func byFile(in *cas.CreateCertificateRequestInput) { in.ValidateType = "FILE" }

// fields is the raw answer of DescribeCertificateState.
func fields(env *testenv.Env, order int64) map[string]string {
	return env.Signed(describe, parameters{"OrderId": fmt.Sprint(order)}).Fields()
}

// An answer has the fields of its state and no others: clients poll until a field
// is there.
func TestFieldsOfEveryState(t *testing.T) {
	env := testenv.New(t, withIssuerByName())
	env.Grant(single, 100)
	for _, test := range []struct {
		name   string
		order  int64
		kind   string
		fields []string
	}{
		{"waiting for a record", reach(t, env, chancery.DomainVerify), "domain_verify", []string{"RecordDomain", "RecordType", "RecordValue", "ValidateType"}},
		{"waiting for a file", env.Apply("file.example.test", byFile), "domain_verify", []string{"Content", "Domain", "Uri", "ValidateType"}},
		{"with the issuer", reach(t, env, chancery.Process), "process", nil},
		{"refused", reach(t, env, chancery.VerifyFail), "verify_fail", []string{"Reason"}},
		{"withdrawn", reach(t, env, chancery.Payed), "payed", nil},
		{"issued", reach(t, env, chancery.Issued), "certificate", []string{"CertId", "Certificate", "PrivateKey"}},
		{"issued for a CSR", issuedForCSR(t, env), "certificate", []string{"CertId", "Certificate"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := fields(env, test.order)
			want := slices.Sorted(slices.Values(append(test.fields, "RequestId", "Type")))
			if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
				t.Errorf("the fields are %v, want %v", names, want)
			}
			if got["Type"] != `"`+test.kind+`"` {
				t.Errorf("Type is %s", got["Type"])
			}
			for name, value := range got {
				if !strings.HasPrefix(value, `"`) || value == `""` {
					t.Errorf("%s is %s, not a text", name, value)
				}
			}
		})
	}
}

func issuedForCSR(t *testing.T, env *testenv.Env) int64 {
	t.Helper()
	var out cas.CreateOutput
	csr := requestFor(t, ec(t, elliptic.P256()), "csr.example.test", nil)
	env.Signed(createWithCSR, application("", parameters{"Domain": absent, "Csr": csr})).Decode(&out)
	env.Publish(out.OrderId)
	env.Clock.Advance(time.Second)
	env.Await(out.OrderId, chancery.Issued)
	return out.OrderId
}

var token = regexp.MustCompile(`^[0-9]{14}[a-z0-9]{50}$`)

func TestWhatToPublish(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 100)
	env.Grant(wildcard, 100)
	seen := map[string]bool{}
	for _, test := range []struct {
		name, domain string
		change       func(*cas.CreateCertificateRequestInput)
		want         cas.DescribeCertificateStateOutput
	}{
		{
			"a record", "www.example.test", func(*cas.CreateCertificateRequestInput) {},
			cas.DescribeCertificateStateOutput{ValidateType: "DNS", RecordType: "TXT", RecordDomain: "_dnsauth.www.example.test"},
		},
		{
			"a record for a wildcard", "*.example.test", func(in *cas.CreateCertificateRequestInput) { in.ProductCode = wildcard },
			cas.DescribeCertificateStateOutput{ValidateType: "DNS", RecordType: "TXT", RecordDomain: "_dnsauth.example.test"},
		},
		{
			"a file", "www.example.test", byFile,
			cas.DescribeCertificateStateOutput{ValidateType: "FILE", Domain: "www.example.test", Uri: "/.well-known/pki-validation/fileauth.txt"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			order := env.Apply(test.domain, test.change)
			got := env.State(order)
			proof := got.RecordValue + got.Content
			if !token.MatchString(proof) || !strings.HasPrefix(proof, env.Clock.Now().Format("20060102150405")) || seen[proof] {
				t.Errorf("the token is %q", proof)
			}
			seen[proof] = true
			if again := env.State(order); again.RecordValue+again.Content != proof {
				t.Error("the token changed between two calls")
			}
			got.RecordValue, got.Content, got.Order, got.Proofs = "", "", nil, nil
			test.want.Type = "domain_verify"
			if fmt.Sprint(got) != fmt.Sprint(test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// What an order ends in is ready to be served: chain in order, key beside it.
func TestCertificate(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 1)
	order := env.Issue("www.example.test")
	got := env.State(order)

	chain := parseChain(t, got.Certificate)
	if len(chain) != 2 {
		t.Fatalf("the chain has %d certificates", len(chain))
	}
	pool, root := x509.NewCertPool(), x509.NewCertPool()
	pool.AddCert(chain[1])
	anchor, err := x509.ParseCertificate(env.CA.Root())
	if err != nil {
		t.Fatal(err)
	}
	root.AddCert(anchor)
	if _, err := chain[0].Verify(x509.VerifyOptions{
		DNSName: "www.example.test", Roots: root, Intermediates: pool, CurrentTime: env.Clock.Now(),
	}); err != nil {
		t.Errorf("the chain does not verify: %v", err)
	}
	if _, err := tls.X509KeyPair([]byte(got.Certificate), []byte(got.PrivateKey)); err != nil {
		t.Errorf("certificate and key do not serve: %v", err)
	}
	if id := env.Order(order).CertificateID; got.CertId != fmt.Sprint(id) || id >= 1<<31 {
		t.Errorf("CertId is %s, the order's certificate %d", got.CertId, id)
	}
	if !strings.Contains(env.Logged(), "private_key_read=true") {
		t.Error("reading the private key is not in the log")
	}
	if strings.Contains(env.Logged(), "PRIVATE KEY") {
		t.Error("the private key is in the log")
	}
}

// Older clients read XML, in which a PEM text must come out as it went in.
func TestCertificateInXML(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 1)
	order := env.Issue("www.example.test")
	want := env.State(order)
	answer := env.Signed(describe, parameters{"OrderId": fmt.Sprint(order), "Verbose": "true"}, func(r *testenv.Request) {
		r.Options.Scheme, r.Options.Format = signature.V1, "XML"
	})
	var got struct {
		XMLName     xml.Name `xml:"DescribeCertificateStateResponse"`
		Type        string
		Certificate string
		PrivateKey  string
		Order       struct{ Domain string }
		Looks       []struct{ Finding string }
	}
	if err := xml.Unmarshal([]byte(answer.Body), &got); err != nil {
		t.Fatalf("%v: %s", err, answer.Body)
	}
	if got.Type != "certificate" || got.Certificate != want.Certificate || got.PrivateKey != want.PrivateKey ||
		got.Order.Domain != "www.example.test" || len(got.Looks) != 1 || got.Looks[0].Finding != "seen" {
		t.Errorf("got %+v", got)
	}
}

// Chancery's own: Verbose tells of the order and of every look.
func TestVerbose(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 1)
	applied := env.Clock.Now()
	order := env.Apply("www.example.test")
	first := env.State(order)
	if first.Order.CreateTime != applied.UnixMilli() || first.Order.ProveBefore != applied.Add(7*24*time.Hour).UnixMilli() ||
		first.Order.NextLookTime != applied.Add(time.Second).UnixMilli() || first.Order.Domain != "www.example.test" ||
		first.Order.ProductCode != single || first.Order.ProveTime+first.Order.IssueTime != 0 || len(first.Looks) != 0 {
		t.Errorf("at first: %+v, looks %+v", first.Order, first.Looks)
	}
	env.Clock.Advance(time.Second)
	env.Settle()
	if looks := env.State(order).Looks; len(looks) != 1 || looks[0].Finding != string(chancery.NoName) ||
		!strings.Contains(looks[0].Where, env.Zone.Addr()) || looks[0].Count != 1 || looks[0].Time != env.Clock.Now().UnixMilli() {
		t.Errorf("after a look at nothing: %+v", looks)
	}
	env.Publish(order)
	env.Clock.Advance(3 * time.Second)
	env.Await(order, chancery.Issued)
	last := env.State(order)
	if n := len(last.Looks); n != 2 || last.Looks[n-1].Finding != string(chancery.Seen) {
		t.Errorf("at last: %+v", last.Looks)
	}
	if now := env.Clock.Now().UnixMilli(); last.Order.ProveTime != now || last.Order.IssueTime != now || last.Order.NextLookTime != 0 {
		t.Errorf("at last: %+v", last.Order)
	}
	if last.Order.InstanceId != env.Order(order).InstanceID || !strings.HasPrefix(last.Order.InstanceId, "cas-ivauto-") {
		t.Errorf("the instance id is %q", last.Order.InstanceId)
	}
	got := env.Signed(describe, parameters{"OrderId": fmt.Sprint(order), "Verbose": "very"})
	check(t, got, "InvalidParameter", 400, "Verbose: not true or false")
}
