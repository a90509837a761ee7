package console

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/console/bundle"
)

// certificateData is the page of a certificate.
type certificateData struct {
	Story    *cas.CertificateStory
	Names    []string
	Path     []link
	KeyKind  string
	Life     life
	Lint     lintShown
	Public   []bundle.Format
	WithKey  []bundle.Format // empty: there is no key, or no leave to read it
	MayRead  bool            // the private key, if there is one
	Reads    *cas.KeyReads   // nil: not looked for yet
	RenewsAt time.Time       // from when it can be renewed; zero: never
	May      mayDoTo
}

// mayDoTo is what the page offers to do.
type mayDoTo struct{ Renew, Revoke, Change, Delete bool }

// link is a certificate of the path from the root to the leaf.
type link struct {
	Role  string // root, issuing or leaf
	Name  string
	Until time.Time // zero: it is not known
	Sent  bool      // it came with the certificate
}

// life is how much of a certificate's validity is used.
type life struct{ Used, Days, Left int }

// lintShown is what the lints say: of a certificate of their CA, of another, or nothing.
type lintShown struct {
	Looked bool
	Found  []string
}

func showCertificate(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	now := p.console.Clock.Now()
	data := certificateData{Story: story, Names: namesOf(story), MayRead: p.mayReadKey(story)}
	data.Life = lifeOf(time.UnixMilli(story.NotBefore), time.UnixMilli(story.NotAfter), now)
	p.readChain(&data)
	if story.HasKey && data.MayRead {
		data.WithKey = offered(story)
	}
	data.May = mayDoTo{Change: p.allows("CreateCertificateName", "certificate", story.Id)}
	ended := story.Status == chancery.StatusExpired || story.Status == chancery.StatusRevoked
	data.May.Delete = (story.OrderId == 0 || ended) && p.allows("DeleteUserCertificate", "certificate", story.Id)
	if story.OrderId != 0 && !ended {
		data.RenewsAt = time.UnixMilli(story.NotAfter).Add(-chancery.ExpiryWindow)
		data.May.Renew = story.Status == chancery.StatusWillExpire && p.allows("RenewCertificateOrderForPackageRequest", "order", story.OrderId)
		data.May.Revoke = p.allows("CancelCertificateForPackageRequest", "order", story.OrderId)
	}
	if data.MayRead && (p.r.URL.Query().Get("part") == "reads" || p.r.URL.Query().Has("reads")) {
		if data.Reads, err = call[cas.KeyReads](p, "KeyReads", cas.CertificateInput{CertId: story.Id}); err != nil {
			return err
		}
	}
	return p.render("certificate", data)
}

// allows tells whether the policies let who is signed in do an operation to one thing.
func (p *page) allows(operation, kind string, id int64) bool {
	return p.may.Allow("yundun-cert:"+operation, kind+"/"+strconv.FormatInt(id, 10))
}

// mayReadKey tells whether the policies give the private key of a certificate, whatever
// it is called.
func (p *page) mayReadKey(story *cas.CertificateStory) bool {
	names := []string{fmt.Sprintf("certificate/%d", story.Id)}
	if story.OrderId != 0 {
		names = append(names, fmt.Sprintf("order/%d", story.OrderId))
	}
	if story.CSRID != 0 {
		names = append(names, fmt.Sprintf("csr/%d", story.CSRID))
	}
	return p.may.Allow("yundun-cert:"+chancery.ReadPrivateKey, names...)
}

// offered are the forms with a key that there are of a certificate: other programs do
// not read SM2, nor keys of other kinds.
func offered(story *cas.CertificateStory) []bundle.Format {
	if story.SM2 {
		return []bundle.Format{bundle.PEM}
	}
	return bundle.WithKey
}

func namesOf(story *cas.CertificateStory) (names []string) {
	for name := range strings.SplitSeq(story.Sans, ",") {
		if name != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 && story.Common != "" {
		names = []string{story.Common}
	}
	return names
}

func lifeOf(from, to, now time.Time) life {
	days := max(1, wholeDays(to.Sub(from)+time.Second)) // ends are inclusive
	return life{Used: min(max(0, wholeDays(now.Sub(from))), days), Days: days, Left: max(0, wholeDays(to.Sub(now)))}
}

// readChain reads what stands in the certificate itself. What cannot be read here, as
// SM2, is told from what was read when it came.
func (p *page) readChain(data *certificateData) {
	story := data.Story
	chain, err := bundle.Chain(story.PEM, story.Sha2)
	if err != nil || story.SM2 {
		data.KeyKind = story.Algorithm
		for i, sent := range story.CertChain {
			data.Path = append([]link{{Role: role(i == 0, sent.CommonName == sent.IssuerCommonName), Name: sent.CommonName, Until: time.UnixMilli(sent.NotAfter), Sent: true}}, data.Path...)
		}
		return
	}
	data.KeyKind, data.Path = keyKind(chain[0]), pathOf(chain)
	data.Public = bundle.Public
	if len(chain) == 1 {
		data.Public = []bundle.Format{bundle.Leaf, bundle.DER}
	}
	if p.console.Lint != nil {
		found, err := p.console.Lint(chain[0].Raw)
		data.Lint = lintShown{Looked: err == nil, Found: found}
	}
}

// pathOf draws a chain from the root on, which is added where it was not sent.
func pathOf(chain []*x509.Certificate) (path []link) {
	last := chain[len(chain)-1]
	for i, certificate := range chain {
		self := string(certificate.RawIssuer) == string(certificate.RawSubject)
		path = append([]link{{Role: role(i == 0, self), Name: nameOf(certificate.Subject), Until: certificate.NotAfter, Sent: true}}, path...)
	}
	if string(last.RawIssuer) != string(last.RawSubject) {
		path = append([]link{{Role: "root", Name: nameOf(last.Issuer)}}, path...)
	}
	return path
}

func role(leaf, self bool) string {
	switch {
	case leaf:
		return "leaf"
	case self:
		return "root"
	}
	return "issuing"
}

func nameOf(name pkix.Name) string {
	if name.CommonName != "" {
		return name.CommonName
	}
	return name.String()
}

func keyKind(certificate *x509.Certificate) string {
	switch key := certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", key.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + key.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return certificate.PublicKeyAlgorithm.String()
}
