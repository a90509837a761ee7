package e2e

import (
	"encoding/base64"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/signature"
)

// canary takes secrets of every kind through a service, and gathers all that
// comes out where no secret may be.
type canary struct {
	*testing.T
	s       *service
	who     tenant
	secrets []secret
	places  map[string][]byte
}

// Secrets never show in the log, in an error, in the metrics, in what commands
// print, or in the files of the database.
func TestSecretsNeverShow(t *testing.T) {
	t.Parallel()
	s := start(t, "--log-level", "debug")
	c := &canary{T: t, s: s, who: s.tenant(t, chancery.DefaultProduct, 5), places: map[string][]byte{}}
	c.hide("first access key", string(s.key.AccessKeySecret))
	c.hide("created access key", string(c.who.key.AccessKeySecret))
	c.keyEncryptionKey()
	c.operate()
	c.errors()
	issued := c.journey()
	_, metrics := get(t, s.metrics+"/metrics")
	c.gather("metrics", metrics)
	c.files("while it runs")
	s.stop(t)
	c.files("after it stopped")
	c.gather("log", s.stderr.String())
	c.gather("standard output", s.stdout.String())

	for _, place := range slices.Sorted(maps.Keys(c.places)) {
		for _, secret := range c.secrets {
			if secret.shows(c.places[place]) {
				t.Errorf("the %s shows in %s", secret.name, place)
			}
		}
	}
	c.control(issued)
}

func (c *canary) hide(name, text string) {
	c.secrets = append(c.secrets, secret{name, []byte(text)})
}

func (c *canary) gather(place, text string) {
	c.places[place] = append(c.places[place], text+"\n"...)
}

// keyEncryptionKey hides the key outside the database, as its file has it and as
// it is used.
func (c *canary) keyEncryptionKey() {
	_, encoded, _ := strings.Cut(strings.TrimSpace(read(c, filepath.Join(c.s.dir, "keyring.key"), 0o600)), ":")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) != 32 {
		c.Fatalf("the key file holds %d bytes: %v", len(key), err)
	}
	c.hide("key-encryption key", string(key))
	c.hide("key-encryption key's text", encoded)
}

// operate runs the operator's commands, some of which fail.
func (c *canary) operate() {
	const taken, short = "taken-over-secret-2f8b41", "short-secret"
	c.hide("taken-over secret", taken)
	c.hide("refused secret", short)
	var made admin.AccessKey
	c.s.operate(c, &made, "accesskey", "create", "--account", c.who.uid()) // shows its secret, this once
	c.hide("shown secret", made.Secret)

	takeOver := func(text string) []string {
		return []string{"accesskey", "create", "--account", c.who.uid(), "--id", "taken-over-key", "--secret-file", file(c, "secret", text)}
	}
	for _, test := range []struct {
		status    int
		arguments []string
	}{
		{0, takeOver(taken)},
		{1, takeOver(taken)}, // in use by now
		{1, takeOver(short)},
		{0, []string{"account", "list"}},
		{0, []string{"accesskey", "list", "--account", c.who.uid()}},
		{0, []string{"accesskey", "disable", "taken-over-key", "--account", c.who.uid()}},
		{1, []string{"accesskey", "disable", "unknown", "--account", c.who.uid()}},
		{0, []string{"plan", "list", "--account", c.who.uid()}},
		{1, []string{"plan", "grant", "--account", c.who.uid(), "--product", "unknown"}},
		{0, []string{"keyring", "status"}},
		{0, []string{"keyring", "rotate"}},
		{1, []string{"restore", "missing"}},
		{0, []string{"doctor"}},
	} {
		done := c.s.command(c, test.arguments...)
		if done.status != test.status {
			c.Errorf("chancery %v ended with status %d, want %d: %s", test.arguments, done.status, test.status, done.stderr)
		}
		c.gather("commands", done.stdout+done.stderr)
	}
}

// errors provokes refusals of all kinds.
func (c *canary) errors() {
	misplaced := privateKeyText(c.T)
	c.secrets = append(c.secrets, privateParts(c, "misplaced private key", misplaced)...)
	key := c.who.key
	disabled := signature.Credentials{AccessKeyID: "taken-over-key", AccessKeySecret: signature.Secret("taken-over-secret-2f8b41")}
	good := application("errors.canary.test", "DNS")
	csr := with(good, "Csr", misplaced)
	for _, scheme := range []signature.Scheme{signature.V1, signature.V3} {
		for code, one := range map[string]call{
			"SignatureDoesNotMatch":       {action: "DescribePackageState", key: wrong(key)},
			"InvalidAccessKeyId.Inactive": {action: "DescribePackageState", key: disabled},
			"InvalidTimeStamp.Expired":    {action: "DescribePackageState", key: key, at: time.Now().Add(-time.Hour)},
			"InvalidAction.NotFound":      {action: "NoSuchAction", key: key},
			"InvalidParameter":            {action: "CreateCertificateWithCsrRequest", key: key, parameters: csr},
			"MissingParameter":            {action: "CreateCertificateRequest", key: key},
			"NotFoundPackage":             {action: "CreateCertificateRequest", key: key, parameters: with(good, "ProductCode", "symantec-free-1-free")},
			"NotFoundOrder":               {action: "CancelOrderRequest", key: key, parameters: map[string]string{"OrderId": "1"}},
		} {
			one.scheme, one.format = scheme, "JSON"
			refused := one.do(c, c.s)
			if refused.Code != code {
				c.Errorf("%s: the answer is %s, want %s", scheme, refused.body, code)
			}
			c.gather("errors", string(refused.body))
		}
		request := call{action: "DescribePackageState", key: key, scheme: scheme, format: "JSON"}.sign(c, c.s.endpoint)
		request.send(c, c.s.endpoint).expect(c, http.StatusOK, "")
		c.gather("errors", string(request.send(c, c.s.endpoint).body)) // the nonce is used
		request.query += "&SignatureMethod=%zz"
		c.gather("errors", string(request.send(c, c.s.endpoint).body)) // badly encoded

		// The string to sign in this answer holds the caller's own parameters, for
		// the caller alone; the log must not have them.
		call{action: "CreateCertificateWithCsrRequest", key: wrong(key), scheme: scheme, format: "JSON", parameters: csr}.
			do(c, c.s).expect(c, http.StatusBadRequest, "SignatureDoesNotMatch")
	}
}

// journey gets a certificate after a fault, with a look at the files while its
// key waits with the order.
func (c *canary) journey() *cas.DescribeCertificateStateOutput {
	const name = "journey.canary.test"
	c.s.dns.Set(name, "A", "127.0.0.1")
	c.s.web.set(name, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, bodySecret, http.StatusNotFound) })
	c.hide("body of a page", bodySecret)
	order := c.who.apply(c, name, "FILE")
	eventually(c, "the fault is seen", func() bool { return found(c.who.state(c, order), chancery.BadStatus, "") })
	c.files("while an order waits")
	state := c.who.state(c, order)
	c.s.web.publish(state.Domain, state.Uri, state.Content)
	issued := c.who.issued(c, order)
	c.secrets = append(c.secrets, privateParts(c, "private key", issued.PrivateKey)...)

	for _, arguments := range [][]string{{"status", fmt.Sprint(order), "--verbose"}, {"status", fmt.Sprint(order), "--output", "json"}} {
		done := finish(c, c.s.signedIn(c.who.key), program, arguments...)
		c.gather("commands", done.stdout+done.stderr)
	}
	return issued
}

// files gathers the data directory, save for the key file.
func (c *canary) files(when string) {
	err := filepath.WalkDir(c.s.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "keyring.key" {
			return err
		}
		text, err := os.ReadFile(path)
		c.gather("the database "+when, string(text))
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
}

// control looks for what does show, so that the search is known to find things
// in each place.
func (c *canary) control(issued *cas.DescribeCertificateStateOutput) {
	id := c.who.key.AccessKeyID
	pem := strings.Split(issued.Certificate, "\n")
	for _, public := range []struct{ place, what, text string }{
		{"the database while an order waits", "access key id", id},
		{"the database while it runs", "access key id", id},
		{"the database after it stopped", "access key id", id},
		{"the database after it stopped", "certificate", pem[2]},
		{"log", "access key id", id},
		{"log", "mark of a key that was read", `"private_key_read":true`},
		{"commands", "access key id", id},
		{"errors", "access key id", id},
		{"metrics", "count of applications", `chancery_requests_total{action="CreateCertificateRequest"`},
		{"standard output", "first account", "First start: account"},
	} {
		if !(secret{public.what, []byte(public.text)}).shows(c.places[public.place]) {
			c.Errorf("the %s is not found in %s, so a secret would not be either", public.what, public.place)
		}
	}
}
