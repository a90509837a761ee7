package ca

import (
	"bytes"
	"net/http"
	"time"

	"chancery"
)

// Handler serves what certificates point at, and the root to install. It answers
// GET and HEAD, asks for no authentication, and belongs on plain http at BaseURL.
//
//	/ca/<authority id>.crt  a CA certificate in DER (RFC 2585): it never changes
//	/ca/<authority id>.crl  its CRL in DER: may be kept for an hour
//	/ca/root.pem            the newest root in PEM
//
// It knows the authorities that were stored when the CA was opened.
func (a *Authority) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, one := range a.all {
		serve := document{
			contentType: "application/pkix-cert", cache: "public, max-age=31536000, immutable",
			body: one.certificate.Raw, modified: one.certificate.NotBefore,
		}
		mux.Handle("GET "+certificatePath(one.id), serve)
		mux.HandleFunc("GET "+listPath(one.id), func(w http.ResponseWriter, r *http.Request) {
			a.serveList(w, r, one)
		})
	}
	mux.Handle("GET /ca/root.pem", document{
		contentType: "application/x-pem-file", cache: "public, max-age=3600",
		body: []byte(chancery.Chain{a.Root()}.PEM()), modified: a.root.certificate.NotBefore,
	})
	return mux
}

func (a *Authority) serveList(w http.ResponseWriter, r *http.Request, issuer *authority) {
	der, made, err := a.listOf(issuer)
	if err != nil {
		a.config.Log.ErrorContext(r.Context(), "publishing a CRL failed", "authority", issuer.id, "error", err)
		http.Error(w, "the CRL cannot be had now", http.StatusServiceUnavailable)
		return
	}
	document{"application/pkix-crl", "public, max-age=3600", der, made}.ServeHTTP(w, r)
}

// document is a fixed answer.
type document struct {
	contentType, cache string
	body               []byte
	modified           time.Time
}

// ServeHTTP implements http.Handler, with conditional and range requests.
func (d document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", d.contentType)
	w.Header().Set("Cache-Control", d.cache)
	http.ServeContent(w, r, "", d.modified, bytes.NewReader(d.body))
}
