package chancery

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
)

// MaxCSR bounds the PEM text of a request, in bytes; an RSA-8192 request takes about 2.5 KB.
const MaxCSR = 16 << 10

// ParseCSR reads the caller's PKCS #10 request in PEM and gives its DER and the
// names it asks for, at most so many, the common name first. It refuses, with InvalidParameter: text that is not
// exactly one PEM request, a signature that does not verify, a key that
// CheckPublicKey refuses, a request without a common name, and alternative names
// that are more than most or not DNS names.
func ParseCSR(text string, most int) (der []byte, names Names, err error) {
	csr, err := readCSR(text)
	if err != nil {
		return nil, nil, err
	}
	names, err = namesOfCSR(csr, most)
	return csr.Raw, names, err
}

const csrLabel = "CERTIFICATE REQUEST"

// readCSR refuses what no request may be, whatever names it asks for.
func readCSR(text string) (*x509.CertificateRequest, error) {
	if len(text) > MaxCSR {
		return nil, Errorf(InvalidParameter, "Csr: more than %d bytes", MaxCSR)
	}
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, Errorf(InvalidParameter, `Csr: not PEM; it begins with "-----BEGIN CERTIFICATE REQUEST-----" and has line breaks`)
	case block.Type != csrLabel && block.Type != "NEW "+csrLabel:
		return nil, Errorf(InvalidParameter, "Csr: the PEM holds %q, not a certificate request", excerpt(block.Type))
	case strings.TrimSpace(string(rest)) != "":
		return nil, Errorf(InvalidParameter, "Csr: text follows the request; give one request alone")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, &Error{Code: InvalidParameter, Message: "Csr: not a valid PKCS #10 request", Err: err}
	}
	if err := checkKey(csr.PublicKey); err != nil {
		return nil, err
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, &Error{Code: InvalidParameter, Message: "Csr: its signature does not verify with its own key", Err: err}
	}
	return csr, nil
}

func namesOfCSR(csr *x509.CertificateRequest, most int) (Names, error) {
	if csr.Subject.CommonName == "" {
		return nil, Errorf(InvalidParameter, "Csr: has no common name (CN); it names the domain to certify")
	}
	name, err := ParseName(csr.Subject.CommonName)
	if err != nil {
		return nil, Errorf(InvalidParameter, "Csr: the common name is not usable: %s", messageOf(err))
	}
	if len(csr.IPAddresses)+len(csr.EmailAddresses)+len(csr.URIs) > 0 || !onlyDNSNames(csr) {
		return nil, Errorf(InvalidParameter, "Csr: asks for alternative names that are not DNS names")
	}
	names := Names{name}
	for _, san := range csr.DNSNames {
		other, err := ParseName(san)
		if err != nil {
			return nil, Errorf(InvalidParameter, "Csr: an alternative name is not usable: %s", messageOf(err))
		}
		if !slices.Contains(names, other) {
			names = append(names, other)
		}
	}
	if len(names) > most {
		return nil, Errorf(InvalidParameter, "Csr: asks for %d names (%s); at most %d can be had here", len(names), excerpt(names.String()), most)
	}
	return names, names.check()
}

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// onlyDNSNames looks at the raw extension, since crypto/x509 passes over name
// forms that it does not know.
func onlyDNSNames(csr *x509.CertificateRequest) bool {
	const dnsName = 2 // [2] IA5String, RFC 5280 section 4.2.1.6
	seen := false
	for _, ext := range csr.Extensions {
		if !ext.Id.Equal(oidSubjectAltName) {
			continue
		}
		var names []asn1.RawValue
		if rest, err := asn1.Unmarshal(ext.Value, &names); seen || err != nil || len(rest) > 0 {
			return false
		}
		seen = true
		for _, n := range names {
			if n.Class != asn1.ClassContextSpecific || n.Tag != dnsName {
				return false
			}
		}
	}
	return true
}

// CheckPublicKey refuses keys that no certificate should carry: RSA under 2048
// or over 8192 bits, of a length that is not a multiple of 8, with an exponent
// other than 65537, with a small factor, with primes too close together (Fermat,
// 100 rounds) or with the mark of the ROCA flaw; curves other than P-256, P-384
// and P-521; and every other kind of key. The error says which.
func CheckPublicKey(key crypto.PublicKey) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return checkRSA(k)
	case *ecdsa.PublicKey:
		return checkECDSA(k)
	}
	return Errorf(InvalidParameter, "the key is neither RSA nor ECDSA")
}

func checkKey(key crypto.PublicKey) error {
	if err := CheckPublicKey(key); err != nil {
		return Errorf(InvalidParameter, "Csr: %s", messageOf(err))
	}
	return nil
}

func checkECDSA(k *ecdsa.PublicKey) error {
	if k.Curve != elliptic.P256() && k.Curve != elliptic.P384() && k.Curve != elliptic.P521() {
		return Errorf(InvalidParameter, "the key's curve is not P-256, P-384 or P-521")
	}
	return nil // crypto/x509 refuses points that are not on the curve
}

const (
	minRSABits = 2048
	maxRSABits = 8192
)

func checkRSA(k *rsa.PublicKey) error {
	bits := k.N.BitLen()
	switch {
	case bits < minRSABits:
		return Errorf(InvalidParameter, "the RSA key has %d bits; at least %d are needed", bits, minRSABits)
	case bits > maxRSABits:
		return Errorf(InvalidParameter, "the RSA key has %d bits; at most %d are allowed", bits, maxRSABits)
	case bits%8 != 0:
		return Errorf(InvalidParameter, "the RSA key's length of %d bits is not a multiple of 8", bits)
	case k.E != 65537:
		return Errorf(InvalidParameter, "the RSA key's exponent is not 65537")
	case hasSmallFactor(k.N):
		return Errorf(InvalidParameter, "the RSA key's modulus has a small factor")
	case rocaMarked(k.N):
		return Errorf(InvalidParameter, "the RSA key was made by a flawed generator (ROCA, CVE-2017-15361)")
	case closePrimes(k.N):
		return Errorf(InvalidParameter, "the RSA key's primes are too close together")
	}
	return nil
}

// smallPrimes are those below 752, as BR 6.1.6 asks to try.
var smallPrimes = primesBelow(752)

func primesBelow(limit int) []uint64 {
	composite := make([]bool, limit)
	var primes []uint64
	for n := 2; n < limit; n++ {
		if composite[n] {
			continue
		}
		primes = append(primes, uint64(n))
		for m := n * n; m < limit; m += n {
			composite[m] = true
		}
	}
	return primes
}

func hasSmallFactor(n *big.Int) bool {
	remainder := new(big.Int)
	for _, p := range smallPrimes {
		if remainder.Mod(n, new(big.Int).SetUint64(p)).Sign() == 0 {
			return true
		}
	}
	return false
}

// rocaPrimes are odd primes modulo which a flawed modulus is always a power of
// 65537 (Nemec and others, "The Return of Coppersmith's Attack", 2017). A sound
// modulus passes all of them with a chance below one in 2^27.
var rocaPrimes = []int64{11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157}

func rocaMarked(n *big.Int) bool {
	for _, p := range rocaPrimes {
		remainder := new(big.Int).Mod(n, big.NewInt(p)).Int64()
		power, found := int64(1), false
		for range p {
			if power == remainder {
				found = true
				break
			}
			power = power * 65537 % p
		}
		if !found {
			return false
		}
	}
	return true
}

// closePrimes tries Fermat's factorisation: n = a*a - b*b with a just above the
// square root of n.
func closePrimes(n *big.Int) bool {
	const rounds = 100
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, big.NewInt(1))
	}
	b2, b := new(big.Int), new(big.Int)
	for range rounds {
		b2.Sub(b2.Mul(a, a), n)
		b.Sqrt(b2)
		if new(big.Int).Mul(b, b).Cmp(b2) == 0 {
			return true
		}
		a.Add(a, big.NewInt(1))
	}
	return false
}

// excerpt makes text of a stranger fit for a message.
func excerpt(text string) string {
	const most = 64
	if len(text) > most {
		return text[:most] + "..."
	}
	return text
}
