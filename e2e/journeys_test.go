package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chancery"
)

// Every client makes the whole journey, with each proof: from the quota to a
// certificate that openssl accepts and a key that fits it.
func TestJourneys(t *testing.T) {
	t.Parallel()
	s := start(t)
	for i, client := range allApplicants {
		for _, method := range []string{"DNS", "FILE"} {
			t.Run(client.name+" "+method, func(t *testing.T) {
				t.Parallel()
				client.needs(t)
				o := order{name: fmt.Sprintf("%s%d.example.test", strings.ToLower(method), i), method: method, who: s.tenant(t, chancery.DefaultProduct, 2)}
				all := client.apply(t, s, o)
				checkProof(t, o, all.proof)
				checkQuota(t, all)
				checkRefusals(t, all)
				verify(t, s, o.name, all.certificate)
				if _, err := tls.X509KeyPair([]byte(all.certificate), []byte(all.privateKey)); err != nil {
					t.Errorf("the private key: %v", err)
				}
				if !strings.HasPrefix(all.privateKey, "-----BEGIN RSA PRIVATE KEY-----\n") {
					t.Error("the private key is not RSA PRIVATE KEY in PEM")
				}
				if advice := "check you AccessKeySecret"; client.name == legacy.name && !strings.Contains(all.badSecret.Recommend, advice) {
					t.Errorf("the legacy client's own advice for a wrong secret is %q, want %q", all.badSecret.Recommend, advice)
				}
			})
		}
	}
}

// With a CSR of their own clients get a certificate for their key, and no key.
func TestJourneysWithCSR(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	for i, client := range []applicant{popCorePost, cas20200407, legacy, openAPI} {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			client.needs(t)
			o := order{name: fmt.Sprintf("csr%d.example.test", i), method: "DNS", who: s.tenant(t, chancery.DefaultProduct, 2)}
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			o.csr = requestFor(t, key, o.name)
			all := client.apply(t, s, o)
			checkProof(t, o, all.proof)
			checkQuota(t, all)
			if leaf := verify(t, s, o.name, all.certificate); !key.PublicKey.Equal(leaf.PublicKey) {
				t.Error("the certificate is for another key than the CSR's")
			}
			if all.privateKey != "" {
				t.Error("the service gave a private key that it cannot have")
			}
		})
	}
}

// An order that was withdrawn and deleted is gone, and its unit is back.
func TestWithdrawals(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	for i, client := range []struct {
		name, program, script string
		needs                 func(*testing.T)
	}{
		{"pop-core V1", "node", "clients/node/pop-core.js", needNode},
		{"cas20200407 V3", "node", "clients/node/cas20200407.js", needNode},
		{"Go legacy V1", "legacy", "", needNothing},
		{"Go openapi V3", "openapi", "", needNothing},
	} {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			client.needs(t)
			o := order{name: fmt.Sprintf("withdrawn%d.example.test", i), method: "DNS", who: s.tenant(t, chancery.DefaultProduct, 1)}
			p := spawnOfficial(t, s, o, client.program, client.script, "CHANCERY_CANCEL=1")
			if status := p.wait(t, patience); status != 0 {
				t.Fatalf("the client ended with status %d\n%s", status, p.stderr)
			}
			var withdrawn struct{ Type string }
			var deleted refusal
			var before, after quota
			p.await(t, p.stdout, "step", "quota", &before)
			p.await(t, p.stdout, "step", "withdrawn", &withdrawn)
			p.await(t, p.stdout, "step", "deleted", &deleted)
			p.await(t, p.stdout, "step", "quota2", &after)
			if withdrawn.Type != "payed" || deleted.Code != "NotFoundOrder" {
				t.Errorf("the withdrawn order is %q and the deleted one %q, want payed and NotFoundOrder", withdrawn.Type, deleted.Code)
			}
			if after != before || after.Used != 0 {
				t.Errorf("quota before %v, after %v, want the same", before, after)
			}
		})
	}
}

// A wildcard is proved at its base name.
func TestJourneyOfWildcard(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	who := s.tenant(t, "wildcard", 1)
	a := call{action: "CreateCertificateRequest", key: who.key, format: "JSON", parameters: application("*.wild.example.test", "DNS")}
	a.parameters["ProductCode"] = "wildcard"
	made := a.do(t, s)
	made.expect(t, 200, "")
	state := who.state(t, made.OrderId)
	if want := "_dnsauth.wild.example.test"; state.RecordDomain != want {
		t.Fatalf("the record is %q, want %q", state.RecordDomain, want)
	}
	s.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	verify(t, s, "*.wild.example.test", who.issued(t, made.OrderId).Certificate)
}

// V1 without Format is answered in XML.
func TestAnswersInXML(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	made := call{action: "CreateCertificateRequest", key: s.key, parameters: application("xml.example.test", "DNS")}.do(t, s)
	var success struct {
		XMLName            xml.Name
		RequestId, OrderId string
	}
	readXML(t, made, &success)
	if made.status != 200 || success.XMLName.Local != "CreateCertificateRequestResponse" || success.RequestId == "" || success.OrderId == "" {
		t.Errorf("%d %s", made.status, made.body)
	}
	refused := call{action: "DescribeCertificateState", key: s.key, parameters: map[string]string{"OrderId": "1"}}.do(t, s)
	var failure struct {
		XMLName                                     xml.Name
		RequestId, HostId, Code, Message, Recommend string
	}
	readXML(t, refused, &failure)
	if refused.status != 404 || failure.XMLName.Local != "Error" || failure.Code != "NotFoundOrder" ||
		slices.Contains([]string{failure.RequestId, failure.HostId, failure.Message, failure.Recommend}, "") {
		t.Errorf("%d %s", refused.status, refused.body)
	}
}

// readXML reads a whole document strictly.
func readXML(t *testing.T, a answer, into any) {
	t.Helper()
	if kind := a.header.Get("Content-Type"); kind != "text/xml;charset=utf-8" {
		t.Errorf("the content type is %q", kind)
	}
	if err := xml.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v\n%s", err, a.body)
	}
}

func checkProof(t *testing.T, o order, p proof) {
	t.Helper()
	want := proof{Type: "domain_verify", ValidateType: o.method}
	token := p.RecordValue
	if o.method == "DNS" {
		want.RecordDomain, want.RecordType, want.RecordValue = "_dnsauth."+o.name, "TXT", token
	} else {
		token = p.Content
		want.Domain, want.URI, want.Content = o.name, "/.well-known/pki-validation/fileauth.txt", token
	}
	if p != want || len(token) < 22 { // 112 bits take 22 characters of 36
		t.Errorf("the proof is\n%+v, want\n%+v", p, want)
	}
}

func checkQuota(t *testing.T, all outcome) {
	t.Helper()
	want := all.before
	want.Used++
	want.Issued++
	if all.after != want || want.Total != 2 || want.ProductCode != chancery.DefaultProduct {
		t.Errorf("quota before: %v; after: %v", all.before, all.after)
	}
}

func checkRefusals(t *testing.T, all outcome) {
	t.Helper()
	for _, test := range []struct {
		got    refusal
		code   string
		status int
	}{
		{all.unknown, "NotFoundOrder", 404},
		{all.badSecret, "SignatureDoesNotMatch", 400},
	} {
		if test.got.Code != test.code || test.got.Status != test.status || test.got.RequestID == "" || test.got.Message == "" {
			t.Errorf("the error is %+v, want %s and %d", test.got, test.code, test.status)
		}
	}
}

// verify has openssl judge a chain for a name as a relying party that trusts
// the service's root, and gives the leaf.
func verify(t *testing.T, s *service, name, fullchain string) *x509.Certificate {
	t.Helper()
	needOpenSSL(t)
	status, root := get(t, s.endpoint+"/ca/root.pem")
	if status != 200 {
		t.Fatalf("root.pem: status %d", status)
	}
	block, chain := pem.Decode([]byte(fullchain))
	if block == nil || len(chain) == 0 {
		t.Fatalf("not a chain in PEM:\n%s", fullchain)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(leaf.DNSNames, []string{name}) {
		t.Errorf("the certificate is for %q, want %q", leaf.DNSNames, name)
	}
	host := strings.Replace(name, "*.", "any.", 1)
	done := finish(t, nil, "openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", host,
		"-CAfile", file(t, "root.pem", root), "-untrusted", file(t, "chain.pem", string(chain)), file(t, "cert.pem", fullchain))
	if done.status != 0 {
		t.Errorf("openssl verify: status %d\n%s%s", done.status, done.stdout, done.stderr)
	}
	return leaf
}

// requestFor is a CSR in PEM.
func requestFor(t *testing.T, key *ecdsa.PrivateKey, name string) string {
	t.Helper()
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// On the command line an application with a CSR can be sent, left alone and
// fetched later; no private key is saved.
func TestCommandLineWithCSR(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	const name = "cli-csr.example.test"
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	who, out := s.tenant(t, chancery.DefaultProduct, 1), t.TempDir()
	run := func(status int, arguments ...string) string {
		t.Helper()
		done := finish(t, s.signedIn(who.key), program, arguments...)
		if done.status != status {
			t.Fatalf("chancery %v ended with status %d, want %d\n%s%s", arguments, done.status, status, done.stdout, done.stderr)
		}
		return done.stdout + done.stderr
	}
	applied := run(0, "apply", "--csr", file(t, "request.pem", requestFor(t, key, name)), "--no-wait", "--output", "json")
	var publish struct {
		OrderId             int64
		Record, Type, Value string
	}
	if !line(t, applied, "event", "publish", &publish) {
		t.Fatalf("nothing to publish: %s", applied)
	}
	order := fmt.Sprint(publish.OrderId)
	if early := run(1, "download", order, "--out", out); !strings.Contains(early, "there is no certificate") {
		t.Errorf("download of a waiting order says %s", early)
	}
	inOrder(t, run(0, "status", order), "waiting for the proof", publish.Record, publish.Value)
	s.dns.Set(publish.Record, publish.Type, publish.Value)
	run(0, "download", order, "--wait", "--out", out)
	leaf := verify(t, s, name, read(t, filepath.Join(out, name, "fullchain.pem"), 0o644))
	if !key.PublicKey.Equal(leaf.PublicKey) {
		t.Error("the certificate is for another key than the CSR's")
	}
	if _, err := os.Stat(filepath.Join(out, name, "privkey.pem")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a private key was saved: %v", err)
	}
}
