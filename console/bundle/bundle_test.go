package bundle_test

import (
	"archive/zip"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/console/bundle"
	"chancery/internal/testenv"
)

var now = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

var password = chancery.NewSecret([]byte(`p4ss "word'!`))

// sample has a chain of two and a key.
func sample(t *testing.T) (bundle.Bundle, testenv.Chain) {
	t.Helper()
	chain := testenv.NewChain(t, "www.example.test", now.Add(80*24*time.Hour))
	sorted, err := bundle.Chain(chain.Intermediate+chain.Leaf, chancery.FactsOf(chain.Parsed).SHA2)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Bundle{Name: bundle.FileName("www.example.test"), Chain: sorted, Key: chancery.NewSecret([]byte(chain.Key)), At: now}, chain
}

// A chain that was sent in any order is written leaf first, each issued by the next.
func TestChain(t *testing.T) {
	chain := testenv.NewChain(t, "www.example.test", now.Add(80*24*time.Hour))
	for _, text := range []string{
		chain.Leaf + chain.Intermediate + chain.Root, chain.Root + chain.Intermediate + chain.Leaf, chain.Intermediate + chain.Root + chain.Leaf,
	} {
		sorted, err := bundle.Chain(text, strings.ToLower(chancery.FactsOf(chain.Parsed).SHA2))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, certificate := range sorted {
			names = append(names, certificate.Subject.CommonName)
		}
		if want := []string{"www.example.test", "Test Intermediate", "Test Root"}; !slices.Equal(names, want) {
			t.Errorf("the chain is %q", names)
		}
	}
}

// OpenSSL reads what is written for it, and PKCS #12 with the right password alone.
func TestOpenSSL(t *testing.T) {
	b, _ := sample(t)
	for _, format := range []bundle.Format{bundle.FullChain, bundle.Leaf, bundle.Issuers, bundle.HAProxy} {
		openssl(t, write(t, b, format), "x509", "-noout")
	}
	openssl(t, write(t, b, bundle.DER), "x509", "-inform", "DER", "-noout")
	openssl(t, write(t, b, bundle.HAProxy), "pkey", "-noout")
	for _, format := range []bundle.Format{bundle.PFX, bundle.PFXLegacy} {
		file := write(t, b, format)
		out := openssl(t, file, "pkcs12", "-legacy", "-info", "-passin", "pass:"+string(password.Reveal()), "-nodes")
		if strings.Count(out, "BEGIN CERTIFICATE") != 2 || strings.Count(out, "PRIVATE KEY-----") != 2 {
			t.Errorf("%s holds:\n%s", format, out)
		}
		if modern := strings.Contains(out, "AES-256-CBC"); modern != (format == bundle.PFX) {
			t.Errorf("%s is encrypted with AES: %t", format, modern)
		}
		if _, err := runOpenssl(t, file, "pkcs12", "-legacy", "-passin", "pass:wrong", "-nokeys"); err == nil {
			t.Errorf("%s opens with a wrong password", format)
		}
	}
}

func write(t *testing.T, b bundle.Bundle, format bundle.Format) []byte {
	t.Helper()
	file, err := b.Write(format, password)
	if err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9._-]+$`).MatchString(file.Name) || file.Kind == "" {
		t.Errorf("%s is called %q, of kind %q", format, file.Name, file.Kind)
	}
	return file.Body
}

func openssl(t *testing.T, input []byte, args ...string) string {
	t.Helper()
	out, err := runOpenssl(t, input, args...)
	if err != nil {
		t.Errorf("openssl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}

func runOpenssl(t *testing.T, input []byte, args ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(file, input, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("openssl", append(args, "-in", file)...).CombinedOutput()
	return string(out), err
}

// Java reads the keystore, with the right password alone.
func TestKeytool(t *testing.T) {
	keytool, err := exec.LookPath("keytool")
	if err != nil {
		if os.Getenv("CHANCERY_TEST_ALL") == "1" {
			t.Fatal("missing: keytool")
		}
		t.Skip("missing: keytool; `make test` installs it")
	}
	b, _ := sample(t)
	file := filepath.Join(t.TempDir(), "store.jks")
	if err := os.WriteFile(file, write(t, b, bundle.JKS), 0o600); err != nil {
		t.Fatal(err)
	}
	list := func(password string) (string, error) {
		out, err := exec.Command(keytool, "-J-Duser.language=en", "-list", "-v", "-keystore", file, "-storetype", "JKS", "-storepass", password).CombinedOutput()
		return string(out), err
	}
	out, err := list(string(password.Reveal()))
	if err != nil || !strings.Contains(out, "PrivateKeyEntry") || !strings.Contains(out, "chain length: 2") || !strings.Contains(out, "Alias name: "+bundle.Alias) {
		t.Errorf("keytool: %v:\n%s", err, out)
	}
	if out, err := list("wrong-password"); err == nil {
		t.Errorf("keytool opens it with a wrong password:\n%s", out)
	}
	// That Java decrypts the key, too, shows when it writes it in another form.
	other := filepath.Join(t.TempDir(), "store.p12")
	made, err := exec.Command(keytool, "-importkeystore", "-srckeystore", file, "-srcstoretype", "JKS", "-srcstorepass", string(password.Reveal()),
		"-destkeystore", other, "-deststoretype", "PKCS12", "-deststorepass", "changeit", "-noprompt").CombinedOutput()
	if err != nil {
		t.Fatalf("keytool: %v: %s", err, made)
	}
	text, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	openssl(t, text, "pkcs12", "-passin", "pass:changeit", "-nodes")
}

// The keystore is what the format says, read by other code than that which wrote it.
func TestJKS(t *testing.T) {
	b, chain := sample(t)
	key, certificates, err := readJKS(write(t, b, bundle.JKS), string(password.Reveal()))
	if err != nil {
		t.Fatal(err)
	}
	if !chain.Private.Equal(key) || len(certificates) != 2 || !bytes.Equal(certificates[0], chain.Parsed.Raw) {
		t.Errorf("it holds %T and %d certificates", key, len(certificates))
	}
	if _, _, err := readJKS(write(t, b, bundle.JKS), "wrong"); err == nil {
		t.Error("it opens with a wrong password")
	}
}

// readJKS reads a keystore of version 2 with one entry of a key.
func readJKS(file []byte, password string) (key any, chain [][]byte, err error) {
	var wide []byte
	for _, c := range password {
		wide = append(wide, byte(c>>8), byte(c))
	}
	body, sum := file[:len(file)-sha1.Size], file[len(file)-sha1.Size:]
	if want := sha1.Sum(slices.Concat(wide, []byte("Mighty Aphrodite"), body)); !bytes.Equal(want[:], sum) {
		return nil, nil, errors.New("the sum is of another password")
	}
	r := bytes.NewReader(body)
	number := func() (n uint32) { _ = binary.Read(r, binary.BigEndian, &n); return n }
	take := func(n int) []byte { b := make([]byte, n); _, _ = r.Read(b); return b }
	text := func() string { var n uint16; _ = binary.Read(r, binary.BigEndian, &n); return string(take(int(n))) }
	if magic, version, entries, tag := number(), number(), number(), number(); magic != 0xfeedfeed || version != 2 || entries != 1 || tag != 1 {
		return nil, nil, fmt.Errorf("it begins with %x %d %d %d", magic, version, entries, tag)
	}
	text()  // alias
	take(8) // time
	var sealed struct {
		Algorithm pkix.AlgorithmIdentifier
		Data      []byte
	}
	if _, err := asn1.Unmarshal(take(int(number())), &sealed); err != nil {
		return nil, nil, err
	}
	for range number() {
		text() // kind
		chain = append(chain, take(int(number())))
	}
	// Sun's key protector: a stream of SHA-1 sums, each of the password and the one before.
	salt, data, check := sealed.Data[:20], sealed.Data[20:len(sealed.Data)-20], sealed.Data[len(sealed.Data)-20:]
	plain := make([]byte, len(data))
	stream := salt
	for at := 0; at < len(data); at += sha1.Size {
		next := sha1.Sum(slices.Concat(wide, stream))
		stream = next[:]
		for i := at; i < min(at+sha1.Size, len(data)); i++ {
			plain[i] = data[i] ^ stream[i-at]
		}
	}
	if want := sha1.Sum(slices.Concat(wide, plain)); !bytes.Equal(want[:], check) {
		return nil, nil, errors.New("the key is of another password")
	}
	key, err = x509.ParsePKCS8PrivateKey(plain)
	return key, chain, err
}

// An archive holds its files, and says that the key is for its owner alone.
func TestArchives(t *testing.T) {
	b, _ := sample(t)
	for format, want := range map[bundle.Format][]string{
		bundle.PEM:    {"www.example.test.fullchain.pem", "www.example.test.key"},
		bundle.Nginx:  {"nginx.conf.txt", "www.example.test.fullchain.pem", "www.example.test.key"},
		bundle.Apache: {"httpd.conf.txt", "www.example.test.chain.crt", "www.example.test.crt", "www.example.test.key"},
	} {
		file := write(t, b, format)
		archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, entry := range archive.File {
			names = append(names, entry.Name)
			if entry.Mode().Perm() != 0o600 {
				t.Errorf("%s of %s has mode %v", entry.Name, format, entry.Mode())
			}
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("%s holds %q", format, names)
		}
	}
}

// Forms that need a password take none that programs would read differently; those of
// issuers there are only where there are some.
func TestRefusals(t *testing.T) {
	b, _ := sample(t)
	for _, bad := range []string{"", "short", "пароль-длинный", "tab\tinside", strings.Repeat("x", bundle.MaxPassword+1)} {
		for _, format := range []bundle.Format{bundle.PFX, bundle.PFXLegacy, bundle.JKS} {
			if _, err := b.Write(format, chancery.NewSecret([]byte(bad))); err == nil {
				t.Errorf("%s takes the password %q", format, bad)
			}
		}
	}
	b.Chain = b.Chain[:1]
	if _, err := b.Write(bundle.Issuers, password); !errors.Is(err, bundle.ErrNoChain) {
		t.Errorf("a chain of none: %v", err)
	}
	if _, err := b.Write("nonsense", password); err == nil {
		t.Error("there is a form of nonsense")
	}
}

// Keys of the kinds that products have, as the service writes them, can be bundled.
func TestKeyKinds(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a"}, NotBefore: now, NotAfter: now.Add(time.Hour)}
	rsaDER, err := x509.CreateCertificate(rand.Reader, template, template, rsaKey.Public(), rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	ecDER, err := x509.CreateCertificate(rand.Reader, template, template, ecKey.Public(), ecKey)
	if err != nil {
		t.Fatal(err)
	}
	rsaPEM, _ := chancery.KeyPEM(rsaKey)
	ecPEM, _ := chancery.KeyPEM(ecKey)
	for _, c := range []struct {
		der []byte
		key chancery.Secret
	}{{rsaDER, rsaPEM}, {ecDER, ecPEM}} {
		leaf, err := x509.ParseCertificate(c.der)
		if err != nil {
			t.Fatal(err)
		}
		b := bundle.Bundle{Name: "a", Chain: []*x509.Certificate{leaf}, Key: c.key, At: now}
		openssl(t, write(t, b, bundle.PFX), "pkcs12", "-passin", "pass:"+string(password.Reveal()), "-nodes")
		if key, _, err := readJKS(write(t, b, bundle.JKS), string(password.Reveal())); err != nil {
			t.Errorf("%T: %v", key, err)
		}
	}
}

// Whatever a certificate is for, its file has a plain name.
func TestFileName(t *testing.T) {
	for name, want := range map[string]string{
		"www.example.test":              "www.example.test",
		"*.example.test":                "wildcard.example.test",
		"例子.测试":                         "xn--fsqu00a.xn--0zwm56d",
		"*.例子.测试":                       "wildcard.xn--fsqu00a.xn--0zwm56d",
		"":                              "certificate",
		"...":                           "certificate",
		"../../etc/passwd":              "etc_passwd",
		`a"; filename="evil.exe`:        "a___filename__evil.exe",
		"a\r\nSet-Cookie: x":            "a__set-cookie__x",
		"con":                           "certificate-con",
		"NUL.example.test":              "certificate-nul.example.test",
		"-rf":                           "rf",
		"Upper.Example.TEST":            "upper.example.test",
		strings.Repeat("a", 300):        strings.Repeat("a", 80),
		"<script>alert(1)</script>":     "script_alert_1___script",
		"a..b":                          "a.b",
		"192.0.2.1":                     "192.0.2.1",
		strings.Repeat("é", 300) + ".x": bundle.FileName(strings.Repeat("é", 300) + ".x"),
	} {
		got := bundle.FileName(name)
		if got != want || !regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`).MatchString(got) {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// What stands in a certificate does not get into a configuration but as a host name.
func TestSnippets(t *testing.T) {
	b, _ := sample(t)
	if text := b.Snippet(bundle.Nginx); !strings.Contains(text, "server_name www.example.test;") {
		t.Error(text)
	}
	b.Chain[0].DNSNames = []string{"a; include /etc/passwd", "b.example.test", "*.example.test"}
	if text := b.Snippet(bundle.Nginx); !strings.Contains(text, "server_name b.example.test *.example.test;") || strings.Contains(text, "passwd") {
		t.Error(text)
	}
}
