package ca

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"chancery"
)

// Handler serves what certificates point at, and the root to install. It asks for
// no authentication and belongs on plain http at BaseURL.
//
//	/ca/<authority id>.crt      a CA certificate in DER (RFC 2585): it never changes
//	/ca/<authority id>.crl      its CRL in DER: may be kept for half a minute
//	/ca/<authority id>-<n>.crl  its further CRLs, if it has so many certificates
//	/ca/ocsp                    the OCSP responder (RFC 6960): POST, or GET below it
//	/ca/root.pem                the newest root in PEM
//
// It knows the authorities that were stored when the CA was opened. No other
// ServeMux may stand before the paths of OCSP requests: it would tidy slashes
// away that belong to their Base64.
func (a *Authority) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, one := range a.all {
		mux.Handle("GET "+certificatePath(one.id), document{
			contentType: "application/pkix-cert", cache: "public, max-age=31536000, immutable",
			body: one.certificate.Raw, modified: one.certificate.NotBefore,
		})
	}
	mux.HandleFunc("GET /ca/{list}", a.serveList)
	mux.Handle("GET /ca/root.pem", document{
		contentType: "application/x-pem-file", cache: "public, max-age=3600",
		body: []byte(chancery.Chain{a.Root()}.PEM()), modified: a.root.certificate.NotBefore,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.EscapedPath(); path == responderPath || strings.HasPrefix(path, responderPath+"/") {
			a.serveOCSP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (a *Authority) serveList(w http.ResponseWriter, r *http.Request) {
	id, partition, ok := parseListName(r.PathValue("list"))
	issuer := a.find(id)
	if !ok || issuer == nil {
		http.NotFound(w, r)
		return
	}
	crl, err := a.list(r.Context(), issuer, partition)
	switch {
	case errors.Is(err, chancery.ErrNotFound):
		http.NotFound(w, r)
	case err != nil:
		a.config.Log.ErrorContext(r.Context(), "publishing a CRL failed", "authority", issuer.id, "error", err)
		http.Error(w, "the CRL cannot be had now", http.StatusServiceUnavailable)
	default:
		document{"application/pkix-crl", listCached, crl.DER, crl.ThisUpdate}.ServeHTTP(w, r)
	}
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
