// Package bundle writes a certificate with its chain and, where asked, its key in the
// forms that servers read. Its functions keep nothing and touch no disk.
package bundle

import (
	"archive/zip"
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"

	"chancery"
)

// Bundle is what there is to write.
type Bundle struct {
	// Name begins the names of files: see FileName.
	Name string
	// Chain is the leaf and what issued it, up to the root or below it.
	Chain []*x509.Certificate
	// Key is the leaf's, in PEM; empty for forms without it.
	Key chancery.Secret
	// At is the time that files carry.
	At time.Time
}

// File is a file to be downloaded.
type File struct {
	Name string
	// Kind is its content type.
	Kind string
	Body []byte
}

// Format is a form of a bundle.
type Format string

// The forms without the key, and those with it.
const (
	FullChain Format = "fullchain" // PEM: the leaf, then what issued it
	Leaf      Format = "leaf"      // PEM: the leaf alone
	Issuers   Format = "issuers"   // PEM: what issued it alone
	DER       Format = "der"       // the leaf alone

	PEM       Format = "pem"     // full chain, and the key apart
	Nginx     Format = "nginx"   // the same with a snippet of configuration
	Apache    Format = "apache"  // the same for Apache httpd
	HAProxy   Format = "haproxy" // one PEM with everything
	PFX       Format = "pfx"     // PKCS #12 as IIS and Windows of today read it
	PFXLegacy Format = "pfx-old" // PKCS #12 for Windows Server 2016 and older
	JKS       Format = "jks"     // a Java keystore for Tomcat
)

// Public are the forms without the key, WithKey those with it, as they are offered.
var (
	Public  = []Format{FullChain, Leaf, Issuers, DER}
	WithKey = []Format{PEM, Nginx, Apache, HAProxy, PFX, PFXLegacy, JKS}
)

// NeedsPassword tells whether a form is protected by a password.
func (f Format) NeedsPassword() bool { return f == PFX || f == PFXLegacy || f == JKS }

// Bounds of a password: keytool takes no shorter one.
const (
	MinPassword = 6
	MaxPassword = 128
)

// CheckPassword refuses a password that some program could not take, or would read
// otherwise than another one: there are different ways to write what is not ASCII.
func CheckPassword(password chancery.Secret) error {
	text := password.Reveal()
	odd := func(r rune) bool { return r < ' ' || r > '~' }
	if len(text) < MinPassword || len(text) > MaxPassword || bytes.ContainsFunc(text, odd) {
		return fmt.Errorf("a password has %d to %d letters, digits and signs of ASCII", MinPassword, MaxPassword)
	}
	return nil
}

// The content types of files.
const (
	kindPEM  = "application/x-pem-file"
	kindDER  = "application/pkix-cert"
	kindPFX  = "application/x-pkcs12"
	kindJKS  = "application/x-java-keystore"
	kindZIP  = "application/zip"
	kindText = "text/plain; charset=utf-8"
)

// ErrNoChain is for a form of what issued a certificate, of one that came alone.
var ErrNoChain = errors.New("the certificate came without those that issued it")

// Write writes a form. password is for those that need one.
func (b Bundle) Write(format Format, password chancery.Secret) (File, error) {
	if len(b.Chain) == 0 {
		return File{}, errors.New("there is no certificate to write")
	}
	if format.NeedsPassword() {
		if err := CheckPassword(password); err != nil {
			return File{}, err
		}
	}
	switch format {
	case FullChain:
		return File{b.Name + ".fullchain.pem", kindPEM, b.fullChain()}, nil
	case Leaf:
		return File{b.Name + ".pem", kindPEM, encode(b.Chain[:1])}, nil
	case Issuers:
		if len(b.Chain) == 1 {
			return File{}, ErrNoChain
		}
		return File{b.Name + ".chain.pem", kindPEM, encode(b.Chain[1:])}, nil
	case DER:
		return File{b.Name + ".cer", kindDER, b.Chain[0].Raw}, nil
	case HAProxy:
		return File{b.Name + ".haproxy.pem", kindPEM, append(b.fullChain(), b.keyText()...)}, nil
	case PFX, PFXLegacy:
		return b.pfx(format, password)
	case JKS:
		return b.jks(password)
	default:
		return b.archive(format)
	}
}

func (b Bundle) fullChain() []byte { return encode(b.Chain) }

// keyText is the key as it was made or sent, ending in a line break.
func (b Bundle) keyText() []byte { return append(bytes.TrimSpace(b.Key.Reveal()), '\n') }

func encode(chain []*x509.Certificate) []byte {
	var text bytes.Buffer
	for _, certificate := range chain {
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}) // a buffer takes all
	}
	return text.Bytes()
}

func (b Bundle) pfx(format Format, password chancery.Secret) (File, error) {
	key, err := b.key()
	if err != nil {
		return File{}, err
	}
	encoder, name := pkcs12.Modern2023, b.Name+".pfx"
	if format == PFXLegacy {
		encoder, name = pkcs12.LegacyDES, b.Name+".old.pfx"
	}
	body, err := encoder.Encode(key, b.Chain[0], b.Chain[1:], string(password.Reveal()))
	if err != nil {
		return File{}, fmt.Errorf("writing PKCS #12: %w", err)
	}
	return File{name, kindPFX, body}, nil
}

// Alias is the entry of a Java keystore.
const Alias = "server"

func (b Bundle) jks(password chancery.Secret) (File, error) {
	key, err := b.key()
	if err != nil {
		return File{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return File{}, fmt.Errorf("writing a key: %w", err)
	}
	entry := keystore.PrivateKeyEntry{CreationTime: b.At, PrivateKey: der}
	for _, certificate := range b.Chain {
		entry.CertificateChain = append(entry.CertificateChain, keystore.Certificate{Type: "X509", Content: certificate.Raw})
	}
	store := keystore.New()
	if err := store.SetPrivateKeyEntry(Alias, entry, password.Reveal()); err != nil {
		return File{}, fmt.Errorf("writing a Java keystore: %w", err)
	}
	var body bytes.Buffer
	if err := store.Store(&body, password.Reveal()); err != nil {
		return File{}, fmt.Errorf("writing a Java keystore: %w", err)
	}
	return File{b.Name + ".jks", kindJKS, body.Bytes()}, nil
}

func (b Bundle) key() (crypto.Signer, error) {
	key, err := chancery.ParsePrivateKey(string(b.Key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	return key, nil
}

// archive writes the forms of several files.
func (b Bundle) archive(format Format) (File, error) {
	key := File{b.Name + ".key", kindPEM, b.keyText()}
	files := []File{{b.Name + ".fullchain.pem", kindPEM, b.fullChain()}, key}
	switch format {
	case PEM:
	case Nginx:
		files = append(files, File{"nginx.conf.txt", kindText, []byte(b.Snippet(format))})
	case Apache:
		files = []File{{b.Name + ".crt", kindPEM, encode(b.Chain[:1])}, key, {"httpd.conf.txt", kindText, []byte(b.Snippet(format))}}
		if len(b.Chain) > 1 {
			files = append(files, File{b.Name + ".chain.crt", kindPEM, encode(b.Chain[1:])})
		}
	default:
		return File{}, fmt.Errorf("there is no form %q", format)
	}
	return Zip(b.Name+"."+string(format)+".zip", b.At, files)
}

// Zip puts files into one.
func Zip(name string, at time.Time, files []File) (File, error) {
	var body bytes.Buffer
	archive := zip.NewWriter(&body)
	for _, file := range files {
		header := &zip.FileHeader{Name: file.Name, Method: zip.Deflate, Modified: at.UTC()}
		header.SetMode(0o600) // one of them is a key
		entry, err := archive.CreateHeader(header)
		if err == nil {
			_, err = entry.Write(file.Body)
		}
		if err != nil {
			return File{}, fmt.Errorf("writing a zip: %w", err)
		}
	}
	if err := archive.Close(); err != nil {
		return File{}, fmt.Errorf("writing a zip: %w", err)
	}
	return File{name, kindZIP, body.Bytes()}, nil
}

// Snippet is what the configuration of a server says to use a form; empty for forms
// that have none. It stands as it is in the archives.
func (b Bundle) Snippet(format Format) string {
	switch format {
	case Nginx:
		return "server {\n    listen 443 ssl;\n    server_name " + b.serverNames(" ") + ";\n" +
			"    ssl_certificate     /etc/nginx/tls/" + b.Name + ".fullchain.pem;\n" +
			"    ssl_certificate_key /etc/nginx/tls/" + b.Name + ".key;\n}\n"
	case Apache:
		text := "<VirtualHost *:443>\n    ServerName " + b.firstName() + "\n    SSLEngine on\n" +
			"    SSLCertificateFile      /etc/apache2/tls/" + b.Name + ".crt\n" +
			"    SSLCertificateKeyFile   /etc/apache2/tls/" + b.Name + ".key\n"
		if len(b.Chain) > 1 {
			text += "    SSLCertificateChainFile /etc/apache2/tls/" + b.Name + ".chain.crt\n"
		}
		return text + "</VirtualHost>\n"
	case HAProxy:
		return "frontend https\n    bind :443 ssl crt /etc/haproxy/tls/" + b.Name + ".haproxy.pem\n"
	case JKS:
		return "<Connector port=\"8443\" SSLEnabled=\"true\" protocol=\"org.apache.coyote.http11.Http11NioProtocol\">\n  <SSLHostConfig>\n" +
			"    <Certificate certificateKeystoreFile=\"conf/" + b.Name + ".jks\" certificateKeystoreType=\"JKS\"\n" +
			"                 certificateKeystorePassword=\"YOUR-PASSWORD\" certificateKeyAlias=\"" + Alias + "\" />\n  </SSLHostConfig>\n</Connector>\n"
	case PFX, PFXLegacy:
		return "certutil -p YOUR-PASSWORD -importpfx " + b.Name + map[Format]string{PFX: ".pfx", PFXLegacy: ".old.pfx"}[format] + "\n"
	default:
		return ""
	}
}

// serverNames are the names that a server answers to. Strangers may have certified
// anything: what is no host name does not come into a configuration.
func (b Bundle) serverNames(separator string) string {
	var names []string
	for _, name := range b.Chain[0].DNSNames {
		if isHost(name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "example.com"
	}
	return strings.Join(names, separator)
}

func (b Bundle) firstName() string {
	name, _, _ := strings.Cut(b.serverNames(" "), " ")
	return strings.Replace(name, "*", "www", 1)
}

func isHost(name string) bool {
	strange := func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}
	rest := strings.TrimPrefix(name, "*.")
	return rest != "" && !strings.ContainsFunc(rest, strange)
}
