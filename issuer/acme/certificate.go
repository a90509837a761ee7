package acme

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

const (
	chainType       = "application/pem-certificate-chain"
	maxCertificates = 10
	maxAlternates   = 8
)

// Chain is a certificate with those above it, in DER, leaf first.
type Chain [][]byte

// Download fetches a certificate's chain and the URLs of alternative ones.
func (c *Client) Download(ctx context.Context, to string) (chain Chain, alternates []string, err error) {
	a, err := c.post(ctx, to, nil, false, chainType)
	if err != nil {
		return nil, nil, err
	}
	if a.kind != chainType {
		return nil, nil, &AnswerError{What: "its content type is not " + chainType, Status: a.status, After: a.after}
	}
	if chain, err = parseChain(a.body); err != nil {
		return nil, nil, err
	}
	for _, link := range links(a.header, "alternate") {
		if c.CheckURL(link) == nil && len(alternates) < maxAlternates {
			alternates = append(alternates, link)
		}
	}
	return chain, alternates, nil
}

func parseChain(text []byte) (chain Chain, err error) {
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if len(bytes.TrimSpace(rest)) > 0 || len(chain) == 0 {
				return nil, unusable("the certificate is not PEM")
			}
			return chain, nil
		}
		if block.Type != "CERTIFICATE" || len(chain) == maxCertificates {
			return nil, unusable("the chain holds something else than certificates, or more than %d", maxCertificates)
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, unusable("a certificate of the chain cannot be parsed")
		}
		chain = append(chain, block.Bytes)
	}
}

// IssuedUnder tells whether a certificate of the chain has an issuer of this common
// name.
func (c Chain) IssuedUnder(name string) bool {
	for _, der := range c {
		if parsed, err := x509.ParseCertificate(der); err == nil && parsed.Issuer.CommonName == name {
			return true
		}
	}
	return false
}

var link = regexp.MustCompile(`<([^<>]+)>\s*;\s*rel="?([a-z]+)"?`)

func links(h http.Header, relation string) (list []string) {
	for _, line := range h.Values("Link") {
		for _, match := range link.FindAllStringSubmatch(line, -1) {
			if match[2] == relation {
				list = append(list, match[1])
			}
		}
	}
	return list
}

// RenewalInfo is when the server suggests to renew (RFC 9773). After is when to ask
// again; zero if it did not say.
type RenewalInfo struct {
	Window struct {
		Start time.Time `json:"start"`
		End   time.Time `json:"end"`
	} `json:"suggestedWindow"`
	Explanation string    `json:"explanationURL"`
	After       time.Time `json:"-"`
}

// Renewal asks when to renew a certificate; known is false if the server has no
// renewal information at all.
func (c *Client) Renewal(ctx context.Context, certificate *x509.Certificate) (info RenewalInfo, known bool, err error) {
	d, err := c.Discover(ctx)
	if err != nil || d.RenewalInfo == "" {
		return info, false, err
	}
	id, err := renewalID(certificate)
	if err != nil {
		return info, false, err
	}
	a, err := c.send(ctx, http.MethodGet, strings.TrimSuffix(d.RenewalInfo, "/")+"/"+id, nil, "application/json")
	if err == nil {
		err = a.judge(http.StatusOK)
	}
	if err == nil {
		err = a.read(&info)
	}
	if err != nil {
		return info, true, err
	}
	info.After = a.after
	if !info.Window.Start.Before(info.Window.End) {
		return info, true, unusable("the window to renew in has no length")
	}
	if c.CheckURL(info.Explanation) != nil {
		info.Explanation = ""
	}
	return info, true, nil
}

// renewalID names a certificate by its issuer's key and its serial (RFC 9773, 4.1).
func renewalID(certificate *x509.Certificate) (string, error) {
	var serial asn1.RawValue
	der, err := asn1.Marshal(certificate.SerialNumber)
	if err == nil {
		_, err = asn1.Unmarshal(der, &serial)
	}
	if err != nil || len(certificate.AuthorityKeyId) == 0 {
		return "", fmt.Errorf("the certificate has no name for renewal information")
	}
	return encode(certificate.AuthorityKeyId) + "." + encode(serial.Bytes), nil
}
