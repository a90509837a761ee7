package console_test

import (
	"archive/zip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/console/bundle"
	"chancery/console/consoletest"
	"chancery/console/login"
	"chancery/internal/testenv"
)

// issued makes an environment with an issued certificate.
func issued(t *testing.T, name string) (*consoletest.Env, chancery.Order) {
	t.Helper()
	env := consoletest.New(t)
	env.Grant(chancery.DefaultProduct, 20)
	return env, env.Order(env.Issue(name))
}

// enter signs in and opens the first page, whose forms' token then goes with every form.
func enter(env *consoletest.Env, who *testenv.Tenant) *consoletest.Visitor {
	visitor := env.Visit().SignIn(who)
	visitor.Get("/console/")
	return visitor
}

func pathOf(o chancery.Order) string { return fmt.Sprintf("/console/certificates/%d", o.CertificateID) }

// A person sees what there is of a certificate, in both lists and on its page.
func TestCertificatePages(t *testing.T) {
	env, order := issued(t, "www.example.test")
	visitor := enter(env, env.Tenant)
	for path, wants := range map[string][]string{
		"/console/certificates":                              {"www.example.test", "s-ISSUED", "days left"},
		"/console/certificates?q=EXAMPLE":                    {"www.example.test"},
		"/console/certificates?days=7":                       {"No certificate is like that"},
		"/console/certificates?days=7&status=nonsense":       {"InvalidParameter"},
		"/console/certificates?origin=upload":                {"No certificate is like that"},
		"/console/certificates?sort=newest&group=rg-default": {"www.example.test"},
		pathOf(order):                                            {"www.example.test", "Issuing CA", "Root", "No finding", "ECDSA P-256", "days used", fmt.Sprint("/console/orders/", order.ID), "format=nginx", "Who read"},
		pathOf(order) + "?reads":                                 {"Nobody has read it"},
		"/console/certificates/nonsense":                         {"nothing of that number"},
		"/console/certificates/12345678":                         {"no certificate 12345678"},
		"/console/plans":                                         {"1 of 20 used", "www.example.test", fmt.Sprint("/console/orders/", order.ID), "−1"},
		"/console/resource-groups":                               {"rg-default"},
		"/console/csrs":                                          {"no CSR yet"},
		"/console/contacts":                                      {"no contact yet"},
		"/console/companies":                                     {"no company yet"},
		pathOf(order) + "/key?format=pfx":                        {"Password for the file", "audit log"},
		pathOf(order) + "/key?format=nonsense":                   {"no such download"},
		pathOf(order) + "/file?format=" + string(bundle.PFX):     {"no such download"},
		pathOf(order) + "/file?format=" + string(bundle.HAProxy): {"no such download"},
	} {
		got := visitor.Get(path)
		for _, want := range wants {
			if !strings.Contains(got.Body, want) {
				t.Errorf("%s: HTTP %d without %q", path, got.Status, want)
			}
		}
	}
	if lines := audit(env, env.Tenant, "yundun-cert:GetUserCertificateDetail"); len(lines) == 0 {
		t.Error("the audit log has no line of the page")
	}
	if keyReads(env) != 0 {
		t.Error("a page read the private key")
	}
}

// keyReads counts the lines of private keys that were read.
func keyReads(env *consoletest.Env) (count int) {
	env.Read(func(tx chancery.Tx) error {
		lines, err := tx.AuditLines(env.Account, chancery.AuditFilter{KeyReads: true, Most: 1000})
		count = len(lines)
		return err
	})
	return count
}

const filePassword = "hunter2-hunter2"

// Every form can be downloaded, is not kept on the way, and opens with openssl.
func TestDownloads(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	visitor := enter(env, env.Tenant)
	chain := testenv.NewChain(t, "*.example.test", env.Clock.Now().Add(80*24*time.Hour))
	at := visitor.Post("/console/certificates/upload", url.Values{"Name": {"a"}, "Cert": {chain.Full()}, "Key": {chain.Key}}).Header.Get("Location")
	for _, format := range bundle.Public {
		got := visitor.Get(at + "/file?format=" + string(format))
		checkDownload(t, got, string(format))
		switch format {
		case bundle.DER:
			openssl(t, got.Body, "x509", "-inform", "DER", "-noout")
		default:
			openssl(t, got.Body, "x509", "-noout")
		}
		if strings.Contains(got.Body, "PRIVATE KEY") {
			t.Errorf("%s holds the key", format)
		}
	}
	if keyReads(env) != 0 {
		t.Error("a download without the key read it")
	}
	for i, format := range bundle.WithKey {
		form := url.Values{"format": {string(format)}}
		if format.NeedsPassword() {
			form["Password"], form["Again"] = []string{filePassword}, []string{filePassword}
		}
		got := visitor.Post(at+"/key", form)
		checkDownload(t, got, string(format))
		switch format {
		case bundle.PFX, bundle.PFXLegacy:
			openssl(t, got.Body, "pkcs12", "-passin", "pass:"+filePassword, "-passout", "pass:x", "-legacy")
			if out, err := tryOpenssl(t, got.Body, "pkcs12", "-passin", "pass:wrong", "-nokeys", "-legacy"); err == nil {
				t.Errorf("%s opens with a wrong password: %s", format, out)
			}
		case bundle.HAProxy:
			openssl(t, got.Body, "x509", "-noout")
			openssl(t, got.Body, "pkey", "-noout")
		case bundle.JKS:
			if !strings.HasPrefix(got.Body, "\xfe\xed\xfe\xed") {
				t.Errorf("%s begins with %x", format, got.Body[:4])
			}
		default:
			checkArchive(t, format, got.Body)
		}
		if reads := keyReads(env); reads != i+1 {
			t.Errorf("%s: %d lines of keys read, want %d", format, reads, i+1)
		}
	}
	page := visitor.Get(at + "?reads")
	if got := strings.Count(page.Body, "yundun-cert:GetUserCertificateDetail"); got != len(bundle.WithKey) {
		t.Errorf("the page shows %d reads of the key", got)
	}
}

var plainName = regexp.MustCompile(`^attachment; filename="[a-z0-9][a-z0-9._-]*"$`)

func checkDownload(t *testing.T, got consoletest.Page, what string) {
	t.Helper()
	header := got.Header
	if got.Status != http.StatusOK || !plainName.MatchString(header.Get("Content-Disposition")) || header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%s: HTTP %d, %q, %q: %s", what, got.Status, header.Get("Content-Disposition"), header.Get("Cache-Control"), got.Body)
	}
	if !strings.Contains(header.Get("Content-Disposition"), "wildcard.example.test.") {
		t.Errorf("%s is called %q", what, header.Get("Content-Disposition"))
	}
}

func checkArchive(t *testing.T, format bundle.Format, body string) {
	t.Helper()
	archive, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	var keys, certificates, snippets int
	for _, file := range archive.File {
		opened, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(opened)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(file.Name, ".key"):
			keys++
			openssl(t, string(text), "pkey", "-noout")
		case strings.HasSuffix(file.Name, ".txt"):
			snippets++
			if !strings.Contains(string(text), "example.test") {
				t.Errorf("%s: %s does not name the site:\n%s", format, file.Name, text)
			}
		default:
			certificates++
			openssl(t, string(text), "x509", "-noout")
		}
	}
	if keys != 1 || certificates == 0 || (format != bundle.PEM) != (snippets == 1) {
		t.Errorf("%s has %d keys, %d certificates, %d snippets", format, keys, certificates, snippets)
	}
}

func openssl(t *testing.T, input string, args ...string) {
	t.Helper()
	if out, err := tryOpenssl(t, input, args...); err != nil {
		t.Errorf("openssl %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func tryOpenssl(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(file, []byte(input), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("openssl", append(args, "-in", file)...).CombinedOutput()
	return string(out), err
}

// A private key is given only to who proved less than five minutes ago who they are,
// whatever the request holds.
func TestKeysNeedAFreshProof(t *testing.T) {
	env, order := issued(t, "www.example.test")
	visitor := enter(env, env.Tenant)
	env.Clock.Advance(6 * time.Minute)
	if page := visitor.Get(pathOf(order) + "/key?format=pem"); !strings.Contains(page.Body, "Confirm that it is you") || !strings.Contains(page.Body, env.Key.ID) {
		t.Errorf("the page does not ask for a proof: %s", page.Body)
	}
	for name, form := range map[string]url.Values{
		"nothing":        {},
		"a wrong secret": {"Secret": {"wrong"}},
		"forged fields":  {"fresh": {"1"}, "Needed": {"false"}, "proof": {"true"}, "confirmed": {"yes"}},
		"an old secret":  {"secret": {string(env.Key.Secret.Reveal())}}, // that is not the field
	} {
		form.Set("format", "pem")
		got := visitor.Post(pathOf(order)+"/key", form)
		if got.Status != http.StatusForbidden || strings.Contains(got.Body, "PRIVATE KEY") || got.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s: HTTP %d", name, got.Status)
		}
	}
	if keyReads(env) != 0 {
		t.Error("the key was read")
	}
	before := visitor.Cookie("chancery-session")
	got := visitor.Post(pathOf(order)+"/key", url.Values{"format": {"haproxy"}, "Secret": {string(env.Key.Secret.Reveal())}})
	if got.Status != http.StatusSeeOther || keyReads(env) != 0 {
		t.Fatalf("with the right secret: HTTP %d: %s", got.Status, got.Body)
	}
	visitor.Get(got.Header.Get("Location"))
	got = visitor.Post(pathOf(order)+"/key", url.Values{"format": {"haproxy"}})
	if got.Status != http.StatusOK || !strings.Contains(got.Body, "PRIVATE KEY") {
		t.Fatalf("with the right secret: HTTP %d: %s", got.Status, got.Body)
	}
	if after := visitor.Cookie("chancery-session"); after == before || after == "" {
		t.Error("the session kept its id")
	}
	page := visitor.Get(pathOf(order) + "/key?format=pem")
	if strings.Contains(page.Body, "Confirm that it is you") {
		t.Error("the proof is asked for again at once")
	}
	env.Clock.Advance(10 * time.Minute)
	visitor.Get("/console/")
	for range 9 {
		visitor.Post(pathOf(order)+"/key", url.Values{"format": {"pem"}, "Secret": {"wrong"}})
	}
	visitor.Post(pathOf(order)+"/key", url.Values{"format": {"pem"}, "Secret": {"wrong"}})
	if got := visitor.Post(pathOf(order)+"/key", url.Values{"format": {"pem"}, "Secret": {string(env.Key.Secret.Reveal())}}); got.Status != http.StatusTooManyRequests {
		t.Errorf("after ten wrong secrets: HTTP %d", got.Status)
	}
}

// Whose policies deny the key sees no way to it and gets it by none.
func TestKeysThatPoliciesDeny(t *testing.T) {
	env, order := issued(t, "www.example.test")
	deny := func(resource string) string {
		return testenv.Policy(testenv.Allow("*", "yundun-cert:*"), testenv.Deny(resource, "yundun-cert:ReadPrivateKey"))
	}
	for name, policy := range map[string]string{
		"all":             deny("*"),
		"the certificate": deny(fmt.Sprintf("acs:yundun-cert:*:*:certificate/%d", order.CertificateID)),
		"its order":       deny(fmt.Sprintf("acs:yundun-cert:*:*:order/%d", order.ID)),
	} {
		visitor := enter(env, env.AsUser(strings.ReplaceAll("user "+name, " ", "-"), policy))
		page := visitor.Get(pathOf(order))
		if page.Status != http.StatusOK || strings.Contains(page.Body, "/key?format") || strings.Contains(page.Body, "Who read") || !strings.Contains(page.Body, "ReadPrivateKey") {
			t.Errorf("denied for %s, the page is HTTP %d and offers the key: %t", name, page.Status, strings.Contains(page.Body, "/key?format"))
		}
		for _, path := range []string{"/key?format=pem", "?reads"} {
			if got := visitor.Get(pathOf(order) + path); strings.Contains(got.Body, "<th scope=\"col\">Who") || path != "?reads" && got.Status != http.StatusForbidden {
				t.Errorf("denied for %s, %s is HTTP %d", name, path, got.Status)
			}
		}
		got := visitor.Post(pathOf(order)+"/key", url.Values{"format": {"pem"}})
		if got.Status != http.StatusForbidden || strings.Contains(got.Body, "PRIVATE KEY") {
			t.Errorf("denied for %s, the forged form gets HTTP %d", name, got.Status)
		}
	}
	if keyReads(env) != 0 {
		t.Error("somebody read the key")
	}
	stranger := enter(env, env.NewAccount())
	for _, path := range []string{pathOf(order), pathOf(order) + "/key?format=pem", pathOf(order) + "/file?format=der", pathOf(order) + "/revoke", pathOf(order) + "/delete"} {
		if got := stranger.Get(path); got.Status != http.StatusNotFound {
			t.Errorf("another account gets HTTP %d for %s", got.Status, path)
		}
	}
}

// A certificate is renamed, revoked with a reason, and deleted.
func TestChangingCertificates(t *testing.T) {
	env, order := issued(t, "www.example.test")
	visitor := enter(env, env.Tenant)
	if got := visitor.Post(pathOf(order)+"/change", url.Values{"Name": {""}, "ResourceGroupId": {"no group!"}, "Tags": {"a=b"}}); got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, "an id like") {
		t.Errorf("a wrong group: HTTP %d", got.Status)
	}
	got := visitor.Post(pathOf(order)+"/change", url.Values{"Name": {"shop"}, "ResourceGroupId": {"rg-shop"}, "Tags": {"team=web\r\nstage=live"}})
	if got.Status != http.StatusSeeOther {
		t.Fatalf("changing: HTTP %d: %s", got.Status, got.Body)
	}
	page := visitor.Get(pathOf(order))
	for _, want := range []string{"shop", "rg-shop", "team = web", "stage = live", "Saved."} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.Body, pathOf(order)+"/renew") {
		t.Error("a new certificate can be renewed")
	}
	if got := visitor.Post(pathOf(order)+"/renew", nil); got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, "last 30 days") {
		t.Errorf("renewing it too early: HTTP %d", got.Status)
	}
	if got := visitor.Post(pathOf(order)+"/delete", nil); got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, "revoke it first") {
		t.Errorf("deleting a valid one: HTTP %d", got.Status)
	}
	if got := visitor.Post(pathOf(order)+"/revoke", url.Values{"Reason": {"keyCompromise"}}); got.Status != http.StatusUnprocessableEntity {
		t.Errorf("revoking without being sure: HTTP %d", got.Status)
	}
	if got := visitor.Post(pathOf(order)+"/revoke", url.Values{"Reason": {"keyCompromise"}, "Sure": {"yes"}}); got.Status != http.StatusSeeOther {
		t.Fatalf("revoking: HTTP %d: %s", got.Status, got.Body)
	}
	if page := visitor.Get(pathOf(order)); !strings.Contains(page.Body, "s-REVOKED") || !strings.Contains(page.Body, "may be known to others") {
		t.Errorf("the page does not tell of the revocation")
	}
	if page := visitor.Get("/console/certificates?status=REVOKED"); !strings.Contains(page.Body, "www.example.test") {
		t.Error("the list of revoked certificates lacks it")
	}
	if page := visitor.Get("/console/plans"); !strings.Contains(page.Body, "+1") {
		t.Error("the ledger does not show that the unit came back")
	}
	if got := visitor.Post(pathOf(order)+"/delete", nil); got.Status != http.StatusSeeOther {
		t.Errorf("deleting a revoked one: HTTP %d", got.Status)
	}
	if got := visitor.Get(pathOf(order)); got.Status != http.StatusNotFound {
		t.Errorf("after that it is HTTP %d", got.Status)
	}
}

// In its last thirty days a certificate is renewed by two clicks.
func TestRenewing(t *testing.T) {
	env, order := issued(t, "www.example.test")
	var end time.Time
	env.Read(func(tx chancery.Tx) error {
		c, err := tx.Certificate(env.Account, order.CertificateID)
		end = c.NotAfter
		return err
	})
	env.Clock.Advance(end.Sub(env.Clock.Now()) - 20*24*time.Hour)
	visitor := enter(env, env.Tenant)
	if page := visitor.Get(pathOf(order)); !strings.Contains(page.Body, pathOf(order)+"/renew") || !strings.Contains(page.Body, "s-WILLEXPIRED") {
		t.Fatal("the page does not offer it")
	}
	if page := visitor.Get("/console/certificates?days=30"); !strings.Contains(page.Body, "www.example.test") {
		t.Error("it is not listed among those that end soon")
	}
	visitor.Get(pathOf(order) + "/renew")
	got := visitor.Post(pathOf(order)+"/renew", nil)
	if got.Status != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/console/orders/") {
		t.Errorf("renewing: HTTP %d to %q: %s", got.Status, got.Header.Get("Location"), got.Body)
	}
}

// What strangers certified, and what tenants call things, is shown as text.
func TestHostileCertificates(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	visitor := enter(env, env.Tenant)
	browser := env.Browser()
	browser.As(consoletest.Look{})
	browser.SignIn(env.Tenant)
	for i, payload := range xssPayloads {
		cert, key := hostileCertificate(t, payload, env.Clock.Now())
		const longest = 64
		name := fmt.Sprint(i, " ", payload)
		name = name[:min(len(name), longest)]
		got := visitor.Post("/console/certificates/upload", url.Values{"Name": {name}, "Cert": {cert}, "Key": {key}, "Tags": {payload}})
		if got.Status != http.StatusSeeOther {
			t.Fatalf("uploading %q: HTTP %d: %s", payload, got.Status, got.Body)
		}
		at := got.Header.Get("Location")
		for path, shown := range map[string]string{
			at: payload, at + "/change": name, "/console/certificates?sort=newest": name, at + "/key?format=nginx": "", at + "/key?format=apache": "", at + "/delete": name,
			"/console/certificates?q=" + url.QueryEscape(payload): payload,
		} {
			page := visitor.Get(path)
			if page.Status != http.StatusOK {
				t.Errorf("%s: HTTP %d", path, page.Status)
			}
			shownAsText(t, path, page.Body, shown)
			if strings.ContainsAny(payload, `<"'`) && strings.Contains(page.Body, payload) {
				t.Errorf("%s holds %q as it is", path, payload)
			}
		}
		file := visitor.Get(at + "/file?format=fullchain")
		if !plainName.MatchString(file.Header.Get("Content-Disposition")) {
			t.Errorf("%q gives the file name %q", payload, file.Header.Get("Content-Disposition"))
		}
		csr := visitor.Post("/console/csrs/upload", url.Values{"Name": {fmt.Sprint("csr-", i)}, "Csr": {hostileCSR(t, payload)}})
		if csr.Status != http.StatusSeeOther {
			t.Fatalf("uploading a CSR of %q: HTTP %d: %s", payload, csr.Status, csr.Body)
		}
		shownAsText(t, "a CSR", visitor.Get(csr.Header.Get("Location")).Body, payload)
		for j, path := range []string{at, "/console/certificates?sort=newest", csr.Header.Get("Location"), "/console/csrs"} {
			if inTurn(i, j) {
				browser.Open(path)
				nothingRan(t, path, browser)
			}
		}
		for _, form := range []string{"contacts/new", "companies/new", "csrs/create", "csrs/upload"} {
			page := visitor.Post("/console/"+form, url.Values{
				"Name": {payload}, "Mobile": {payload}, "Email": {payload}, "CompanyName": {payload}, "CommonName": {payload}, "Webhooks": {payload}, "Csr": {payload},
			})
			if page.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s with %q: HTTP %d", form, payload, page.Status)
			}
			shownAsText(t, form, page.Body, payload)
		}
	}
}

// hostileCSR asks for a name that is sound, for somebody who is not.
func hostileCSR(t *testing.T, payload string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{
		CommonName: "www.example.com", Organization: []string{payload}, OrganizationalUnit: []string{payload}, Locality: []string{payload}, Province: []string{payload},
	}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// hostileCertificate has the payload in subject, issuer and alternative names.
func hostileCertificate(t *testing.T, payload string, now time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	subject := pkix.Name{CommonName: payload, Organization: []string{payload}, Locality: []string{payload}}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: subject, DNSNames: []string{payload},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// An upload that is wrong comes back with what was wrong beside its field, and without the key.
func TestUploadsThatAreWrong(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	visitor := enter(env, env.Tenant)
	chain := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(80*24*time.Hour))
	other := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(80*24*time.Hour))
	for name, form := range map[string]url.Values{
		"no name":   {"Cert": {chain.Full()}, "Key": {chain.Key}},
		"no key":    {"Name": {"a"}, "Cert": {chain.Full()}},
		"other key": {"Name": {"a"}, "Cert": {chain.Full()}, "Key": {other.Key}},
		"no PEM":    {"Name": {"a"}, "Cert": {"nonsense"}, "Key": {chain.Key}},
	} {
		got := visitor.Post("/console/certificates/upload", form)
		if got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, `class="wrong"`) || strings.Contains(got.Body, "PRIVATE KEY-----\n") {
			t.Errorf("%s: HTTP %d, marked: %t", name, got.Status, strings.Contains(got.Body, `class="wrong"`))
		}
	}
	got := visitor.Post("/console/certificates/upload", url.Values{"Name": {"a"}, "Cert": {chain.Intermediate + chain.Leaf}, "Key": {chain.Key}})
	if got.Status != http.StatusSeeOther {
		t.Fatalf("a good one: HTTP %d", got.Status)
	}
	page := visitor.Get(got.Header.Get("Location"))
	if !strings.Contains(page.Body, "Test Intermediate") || !strings.Contains(page.Body, "Test Root") || !strings.Contains(page.Body, "rules for public certificates") {
		t.Error("the page of an upload lacks its chain or lints")
	}
}

// CSRs are made, uploaded, given a key, downloaded and deleted.
func TestCSRPages(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	visitor := enter(env, env.Tenant)
	got := visitor.Post("/console/csrs/create", url.Values{"CommonName": {"www.example.test"}, "Sans": {"a.example.test\r\nb.example.test"}, "KeyKind": {"ECC-256"}, "CountryCode": {"cn"}, "Province": {"Zhejiang"}, "Locality": {"Hangzhou"}})
	if got.Status != http.StatusSeeOther {
		t.Fatalf("making: HTTP %d: %s", got.Status, got.Body)
	}
	at := got.Header.Get("Location")
	page := visitor.Get(at)
	for _, want := range []string{"www.example.test", "b.example.test", "BEGIN CERTIFICATE REQUEST", at + "/key", "not used yet"} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page.Body, "PRIVATE KEY-----") || keyReads(env) != 0 {
		t.Error("the page read the key")
	}
	request := visitor.Get(at + "/file")
	openssl(t, request.Body, "req", "-noout", "-verify")
	key := visitor.Post(at+"/key", url.Values{"format": {"key"}})
	openssl(t, key.Body, "pkey", "-noout")
	if keyReads(env) != 1 {
		t.Error("reading the key left no line")
	}
	env.Clock.Advance(6 * time.Minute)
	if got := visitor.Post(at+"/key", url.Values{"format": {"key"}}); got.Status != http.StatusForbidden || strings.Contains(got.Body, "PRIVATE KEY--") {
		t.Errorf("the key after six minutes: HTTP %d", got.Status)
	}
	if got := visitor.Post(at+"/delete", nil); got.Status != http.StatusSeeOther {
		t.Errorf("deleting: HTTP %d", got.Status)
	}
	got = visitor.Post("/console/csrs/upload", url.Values{"Csr": {request.Body}})
	at = got.Header.Get("Location")
	if page := visitor.Get(at); !strings.Contains(page.Body, "add-key") {
		t.Errorf("an upload without key: HTTP %d", page.Status)
	}
	if got := visitor.Post(at+"/add-key", url.Values{"Key": {"nonsense"}}); got.Status != http.StatusUnprocessableEntity || !strings.Contains(got.Body, `class="wrong"`) {
		t.Errorf("adding nonsense: HTTP %d", got.Status)
	}
	if got := visitor.Post(at+"/add-key", url.Values{"Key": {key.Body}}); got.Status != http.StatusSeeOther {
		t.Errorf("adding the key: HTTP %d", got.Status)
	}
	reader := enter(env, env.AsUser("ada", testenv.Policy(testenv.Allow("*", "yundun-cert:*"), testenv.Deny("*", "yundun-cert:ReadPrivateKey"))))
	if page := reader.Get(at); page.Status != http.StatusOK || strings.Contains(page.Body, at+"/key") {
		t.Errorf("denied the key, the page offers it: HTTP %d", page.Status)
	}
	if got := reader.Post(at+"/key", url.Values{"format": {"key"}}); got.Status != http.StatusForbidden || strings.Contains(got.Body, "PRIVATE KEY--") {
		t.Errorf("denied the key, the form gets HTTP %d", got.Status)
	}
}

// Contacts and companies are made, changed and deleted.
func TestContactsAndCompanies(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	visitor := enter(env, env.Tenant)
	contact := url.Values{"Name": {"Ada"}, "Mobile": {"13900001111"}, "Email": {"ada@example.com"}, "Webhooks": {"https://hook.example.com/a"}}
	company := url.Values{
		"CompanyName": {"Example Ltd"}, "CompanyType": {"1"}, "CompanyCode": {"123"}, "CompanyPhone": {"123"}, "CompanyAddress": {"Street 1"},
		"PostCode": {"310000"}, "CountryCode": {"CN"}, "Province": {"Zhejiang"}, "City": {"Hangzhou"}, "Lang": {"zh"},
	}
	for list, c := range map[string]struct {
		form          url.Values
		field, before string
	}{"contacts": {contact, "Name", "Ada"}, "companies": {company, "CompanyName", "Example Ltd"}} {
		if got := visitor.Post("/console/"+list+"/new", c.form); got.Status != http.StatusSeeOther {
			t.Fatalf("%s: HTTP %d: %s", list, got.Status, got.Body)
		}
		page := visitor.Get("/console/" + list)
		at := regexp.MustCompile(`/console/` + list + `/\d+`).FindString(page.Body)
		if !strings.Contains(page.Body, c.before) || at == "" {
			t.Fatalf("%s lacks %q", list, c.before)
		}
		form := url.Values{}
		for name, values := range c.form {
			form[name] = values
		}
		form[c.field] = []string{"Changed"}
		if got := visitor.Post(at, form); got.Status != http.StatusSeeOther {
			t.Errorf("%s: changing: HTTP %d", list, got.Status)
		}
		if page := visitor.Get(at); !strings.Contains(page.Body, `value="Changed"`) {
			t.Errorf("%s: it was not changed", list)
		}
		visitor.Get(at + "/delete")
		if got := visitor.Post(at+"/delete", nil); got.Status != http.StatusSeeOther {
			t.Errorf("%s: deleting: HTTP %d", list, got.Status)
		}
		if got := visitor.Get(at); got.Status != http.StatusNotFound {
			t.Errorf("%s: after that it is HTTP %d", list, got.Status)
		}
	}
}

// The pages about one thing in a browser; those without parameters are in
// TestPagesInABrowser.
func TestCertificatePagesInABrowser(t *testing.T) {
	env, order := issued(t, "www.a-rather-long-name-of-a-shop.example.test")
	browser := env.Browser()
	browser.SignIn(env.Tenant)
	visitor := enter(env, env.Tenant)
	made := visitor.Post("/console/csrs/create", url.Values{"CommonName": {"www.example.test"}, "KeyKind": {"ECC-256"}, "CountryCode": {"CN"}, "Province": {"Zhejiang"}, "Locality": {"Hangzhou"}})
	cert, key := hostileCertificate(t, strings.Repeat(xssPayloads[11], 2), env.Clock.Now())
	upload := visitor.Post("/console/certificates/upload", url.Values{"Name": {xssPayloads[0]}, "Cert": {cert}, "Key": {key}, "Tags": {"team=web"}}).Header.Get("Location")
	env.Call("GetUserCertificateDetail", cas.GetUserCertificateDetailInput{CertId: int64(order.CertificateID)})
	for _, look := range consoletest.Looks {
		browser.As(look)
		for name, path := range map[string]string{
			"certificate": pathOf(order), "certificate-upload-shown": upload, "certificate-key": pathOf(order) + "/key?format=pfx",
			"certificate-nginx":  pathOf(order) + "/key?format=nginx",
			"certificate-revoke": pathOf(order) + "/revoke", "certificate-change": pathOf(order) + "/change", "certificate-delete": upload + "/delete",
			"csr": made.Header.Get("Location"), "certificates-many": "/console/certificates", "plans-used": "/console/plans", "csrs-some": "/console/csrs",
		} {
			browser.Open(path)
			browser.Check(name + "-" + look.String())
		}
	}
	env.Clock.Advance(6 * time.Minute)
	browser.As(consoletest.Looks[1])
	browser.Open(pathOf(order) + "/key?format=jks")
	browser.Check("certificate-proof-360")
}

// Who signed in by a password proves it by password and code, each code once.
func TestAFreshProofByPassword(t *testing.T) {
	const password = "correct horse battery"
	env, order := issued(t, "www.example.test")
	env.AsUser("ada", "AliyunYundunCertFullAccess")
	operate(t, env, "user.password", admin.Password{AccountID: env.Account, Name: "ada", Password: password})
	visitor := env.Visit()
	visitor.SignInByPassword("", "ada", password)
	visitor.Get("/console/")
	post := func(form url.Values) consoletest.Page {
		form.Set("format", "pem")
		return visitor.Post(pathOf(order)+"/key", form)
	}
	if got := post(url.Values{}); got.Status != http.StatusOK {
		t.Errorf("just signed in: HTTP %d", got.Status)
	}
	operate(t, env, "user.totp", admin.SecondFactor{AccountID: env.Account, Name: "ada"})
	env.Clock.Advance(6 * time.Minute)
	var key chancery.Secret
	env.Read(func(tx chancery.Tx) error {
		user, err := tx.User(env.Account, "ada")
		if err != nil {
			return err
		}
		stored, err := tx.ConsoleLogin(env.Account, user.ID)
		key = stored.TOTP
		return err
	})
	code := login.Code(key, login.Step(env.Clock.Now()))
	visitor.SignInByPassword("", "ada", password)
	visitor.Post("/console/sign-in/code", url.Values{"code": {code}})
	visitor.Get("/console/")
	env.Clock.Advance(6 * time.Minute)
	code = login.Code(key, login.Step(env.Clock.Now()))
	if page := visitor.Get(pathOf(order) + "/key?format=pem"); !strings.Contains(page.Body, `name="Code"`) || !strings.Contains(page.Body, "console password") {
		t.Errorf("the page asks for no code: HTTP %d", page.Status)
	}
	for name, form := range map[string]url.Values{
		"the password alone": {"Secret": {password}}, "the code alone": {"Code": {code}}, "a wrong code": {"Secret": {password}, "Code": {"000000"}},
	} {
		if got := post(form); got.Status != http.StatusForbidden || strings.Contains(got.Body, "PRIVATE KEY") {
			t.Errorf("%s: HTTP %d", name, got.Status)
		}
	}
	if got := post(url.Values{"Secret": {password}, "Code": {code}}); got.Status != http.StatusSeeOther {
		t.Errorf("password and code: HTTP %d: %s", got.Status, got.Body)
	}
	visitor.Get(pathOf(order) + "/key?format=pem")
	if got := post(url.Values{}); got.Status != http.StatusOK || got.Header.Get("Content-Type") != "application/zip" {
		t.Errorf("password and code: HTTP %d: %s", got.Status, got.Body)
	}
}
