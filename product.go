package chancery

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// KeyAlgorithm names a key type and size as the API writes it.
type KeyAlgorithm string

// The algorithms a product may ask for.
const (
	RSA2048 KeyAlgorithm = "RSA_2048"
	RSA3072 KeyAlgorithm = "RSA_3072"
	RSA4096 KeyAlgorithm = "RSA_4096"
	ECC256  KeyAlgorithm = "ECC_256"
	ECC384  KeyAlgorithm = "ECC_384"
)

// KeyAlgorithms lists them all.
var KeyAlgorithms = []KeyAlgorithm{RSA2048, RSA3072, RSA4096, ECC256, ECC384}

// Level is how much of the applicant a certificate vouches for.
type Level string

// DV proves control of the domain; OV adds the organisation.
const (
	DV Level = "DV"
	OV Level = "OV"
)

// Product is what a ProductCode stands for. The catalogue is data: an operator
// replaces it with a JSON file (serve --products).
type Product struct {
	// Code is the ProductCode of the API.
	Code string `json:"code"`
	// Name is the product's name for people.
	Name string `json:"name"`
	// Brand is what lists show as RootBrand.
	Brand string `json:"brand"`
	// Level is DV or OV. Default DV.
	Level Level `json:"level"`
	// Wildcard products take "*.example.com" and nothing else; others take plain names.
	Wildcard bool `json:"wildcard"`
	// LifetimeDays is how long its certificates should live. The rulebook of the
	// day caps it: a year's product still issues shorter leaves.
	LifetimeDays int `json:"lifetimeDays"`
	// TermDays is how long a plan of this product can be used when a grant names
	// no date; 0 means without end.
	TermDays int `json:"termDays"`
	// KeyAlgorithm is that of keys the service makes. Default RSA_2048.
	KeyAlgorithm KeyAlgorithm `json:"keyAlgorithm"`
	// Issuer names the certificate authority. Default "local".
	Issuer string `json:"issuer"`
	// Review makes proved orders wait for the operator's decision. OV products
	// always do.
	Review bool `json:"review"`
}

// DefaultProduct is the code that calls without ProductCode mean.
const DefaultProduct = "digicert-free-1-free"

// Catalogue is the table of products, in the order they are listed.
type Catalogue []Product

// DefaultCatalogue holds the fifteen products of CreateCertificateForPackageRequest,
// of which the seven DV ones are those of CreateCertificateRequest.
func DefaultCatalogue() Catalogue {
	product := func(code, name, brand string, level Level, wildcard bool, days int) Product {
		return Product{
			Code: code, Name: name, Brand: brand, Level: level, Wildcard: wildcard,
			LifetimeDays: days, TermDays: 365, KeyAlgorithm: RSA2048, Issuer: LocalIssuer, Review: level == OV,
		}
	}
	return Catalogue{
		product("digicert-free-1-free", "DigiCert single-domain DV, free, 3 months", "DigiCert", DV, false, 90),
		product("symantec-free-1-free", "DigiCert single-domain DV, free, 1 year", "DigiCert", DV, false, 365),
		product("symantec-dv-1-starter", "DigiCert wildcard DV", "DigiCert", DV, true, 365),
		product("geotrust-dv-1-starter", "GeoTrust single-domain DV", "GeoTrust", DV, false, 365),
		product("geotrust-dv-w-starter", "GeoTrust wildcard DV", "GeoTrust", DV, true, 365),
		product("globalsign-dv-1-personal", "GlobalSign single-domain DV", "GlobalSign", DV, false, 365),
		product("globalsign-dv-w-advanced", "GlobalSign wildcard DV", "GlobalSign", DV, true, 365),
		product("symantec-ov-1-personal", "DigiCert single-domain OV", "DigiCert", OV, false, 365),
		product("symantec-ov-w-personal", "DigiCert wildcard OV", "DigiCert", OV, true, 365),
		product("geotrust-ov-1-personal", "GeoTrust single-domain OV", "GeoTrust", OV, false, 365),
		product("geotrust-ov-w-personal", "GeoTrust wildcard OV", "GeoTrust", OV, true, 365),
		product("globalsign-ov-1-personal", "GlobalSign single-domain OV", "GlobalSign", OV, false, 365),
		product("globalsign-ov-w-advanced", "GlobalSign wildcard OV", "GlobalSign", OV, true, 365),
		product("cfca-ov-1-personal", "CFCA single-domain OV", "CFCA", OV, false, 365),
		product("cfca-ev-w-advanced", "CFCA wildcard OV", "CFCA", OV, true, 365),
	}
}

// ParseCatalogue reads a JSON list of products, fills defaults and refuses
// unknown fields and values, repeated codes and an empty list.
func ParseCatalogue(text []byte) (Catalogue, error) {
	var catalogue Catalogue
	if err := strictJSON(text, &catalogue); err != nil {
		return nil, fmt.Errorf("reading the product list: %w", err)
	}
	if len(catalogue) == 0 {
		return nil, fmt.Errorf("the product list is empty")
	}
	seen := map[string]bool{}
	for i := range catalogue {
		p := &catalogue[i]
		if err := p.settle(); err != nil {
			return nil, fmt.Errorf("product %d (%q): %w", i+1, p.Code, err)
		}
		if seen[p.Code] {
			return nil, fmt.Errorf("product code %q is listed twice", p.Code)
		}
		seen[p.Code] = true
	}
	return catalogue, nil
}

// maxDays keeps lifetimes and terms, a century at most, within what a
// time.Duration and a written date can hold.
const maxDays = 36_500

func (p *Product) settle() error {
	p.Level = cmp.Or(p.Level, DV)
	p.KeyAlgorithm = cmp.Or(p.KeyAlgorithm, RSA2048)
	p.Issuer = cmp.Or(p.Issuer, LocalIssuer)
	p.Name = cmp.Or(p.Name, p.Code)
	p.Review = p.Review || p.Level == OV
	switch {
	case p.Code == "":
		return fmt.Errorf("code is missing")
	case p.Level != DV && p.Level != OV:
		return fmt.Errorf("level is %q, not DV or OV", p.Level)
	case !slices.Contains(KeyAlgorithms, p.KeyAlgorithm):
		return fmt.Errorf("keyAlgorithm is %q, not one of %v", p.KeyAlgorithm, KeyAlgorithms)
	case p.Issuer != LocalIssuer && CheckIssuerName(p.Issuer) != nil:
		return fmt.Errorf("issuer: %w", CheckIssuerName(p.Issuer))
	case p.LifetimeDays < 1 || p.LifetimeDays > maxDays:
		return fmt.Errorf("lifetimeDays is %d; certificates live 1 to %d days", p.LifetimeDays, maxDays)
	case p.TermDays < 0 || p.TermDays > maxDays:
		return fmt.Errorf("termDays is %d; plans end within %d days, or never with 0", p.TermDays, maxDays)
	}
	return nil
}

// Find gives the product of a code; an empty code means DefaultProduct. An
// unknown one is InvalidParameter with the codes that exist.
func (c Catalogue) Find(code string) (Product, error) {
	if code == "" {
		code = DefaultProduct
	}
	for _, p := range c {
		if p.Code == code {
			return p, nil
		}
	}
	codes := make([]string, len(c))
	for i, p := range c {
		codes[i] = p.Code
	}
	return Product{}, Errorf(InvalidParameter, "ProductCode: %q is not offered here; the products are %v", code, codes)
}

// ProvesItself tells whether the product's issuer says what to publish, as all but
// the embedded CA do.
func (p Product) ProvesItself() bool { return p.Issuer != "" && p.Issuer != LocalIssuer }

// Assign has other issuers issue for products: each text is CODE=NAME. It gives a
// new catalogue.
func (c Catalogue) Assign(assignments []string) (Catalogue, error) {
	assigned := slices.Clone(c)
	for _, text := range assignments {
		code, issuer, _ := strings.Cut(text, "=")
		i := slices.IndexFunc(assigned, func(p Product) bool { return p.Code == code })
		if i < 0 {
			return nil, fmt.Errorf("%q does not begin with the code of a product and =", text)
		}
		assigned[i].Issuer = issuer
		if err := assigned[i].settle(); err != nil {
			return nil, fmt.Errorf("product %s: %w", code, err)
		}
	}
	return assigned, nil
}

// CheckNames refuses a plain name for a wildcard product and the reverse.
func (p Product) CheckNames(names Names) error {
	name := names.Common() // all are of one kind
	if p.Wildcard && !name.Wildcard() {
		return Errorf(InvalidParameter, "Domain: product %s is for wildcard names; give *.%s or choose a single-name product", p.Code, name)
	}
	if !p.Wildcard && name.Wildcard() {
		return Errorf(InvalidParameter, "Domain: product %s is for one plain name; give %s or choose a wildcard product", p.Code, name.Base())
	}
	return nil
}

func strictJSON(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) { // More would pass over a closing bracket
		return fmt.Errorf("text follows the JSON value")
	}
	return nil
}

// SlowKeys lists the algorithms of keys of its products that take long to make.
func (c Catalogue) SlowKeys() (slow []KeyAlgorithm) {
	for _, algorithm := range KeyAlgorithms {
		of := func(p Product) bool { return p.KeyAlgorithm == algorithm }
		if !algorithm.QuickToMake() && slices.ContainsFunc(c, of) {
			slow = append(slow, algorithm)
		}
	}
	return slow
}
