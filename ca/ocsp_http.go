package ca

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/ocsp"
)

const (
	maxOCSPRequest = 4 << 10
	// answerCached is shorter than the answer holds, so that a revocation does not
	// stay unseen behind a cache for half a day.
	answerCached = 5 * time.Minute
)

// serveOCSP answers over HTTP as RFC 6960, appendix A, and RFC 5019 say: errors
// of the protocol are answers with status 200, errors of HTTP are not.
func (a *Authority) serveOCSP(w http.ResponseWriter, r *http.Request) {
	der, status := readOCSP(r)
	if status != http.StatusOK {
		if status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", "GET, POST")
		}
		http.Error(w, "an OCSP request is POSTed as application/ocsp-request, or is the Base64 at the end of a GET; of at most 4 KB", status)
		return
	}
	request, err := ocsp.ParseRequest(der)
	if err != nil {
		refuse(w, ocsp.MalformedRequestErrorResponse)
		return
	}
	signed, err := a.answer(r.Context(), request)
	switch {
	case errors.Is(err, errOtherIssuer):
		refuse(w, ocsp.UnauthorizedErrorResponse)
	case err != nil:
		a.config.Log.ErrorContext(r.Context(), "answering an OCSP request failed", "error", err)
		refuse(w, ocsp.InternalErrorErrorResponse)
	default:
		signed.write(w)
	}
}

// readOCSP gives the request's DER and http.StatusOK, or why there is none.
func readOCSP(r *http.Request) (der []byte, status int) {
	switch r.Method {
	case http.MethodPost:
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/ocsp-request" {
			return nil, http.StatusUnsupportedMediaType
		}
		der, err := io.ReadAll(io.LimitReader(r.Body, maxOCSPRequest+1))
		switch {
		case err != nil:
			return nil, http.StatusBadRequest
		case len(der) > maxOCSPRequest:
			return nil, http.StatusRequestEntityTooLarge
		}
		return der, http.StatusOK
	case http.MethodGet:
		text := strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), responderPath), "/")
		if len(text) > 2*maxOCSPRequest {
			return nil, http.StatusRequestURITooLong
		}
		// Clients escape '/', '+' and '=' or do not; a path has no other meaning for '+'.
		text, err := url.PathUnescape(text)
		if err != nil {
			return nil, http.StatusBadRequest
		}
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(der) == 0 {
			return nil, http.StatusBadRequest
		}
		return der, http.StatusOK
	}
	return nil, http.StatusMethodNotAllowed
}

const ocspResponseType = "application/ocsp-response"

// write answers with what RFC 5019, section 6, asks of headers.
func (s answer) write(w http.ResponseWriter) {
	sum := sha256.Sum256(s.der)
	header := w.Header()
	header.Set("Content-Type", ocspResponseType)
	header.Set("Cache-Control", fmt.Sprintf("max-age=%d, public, no-transform, must-revalidate", int(answerCached.Seconds())))
	header.Set("Last-Modified", s.thisUpdate.Format(http.TimeFormat))
	header.Set("Expires", s.nextUpdate.Format(http.TimeFormat))
	header.Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	_, _ = w.Write(s.der)
}

// refuse answers with an error of the protocol, which nobody signs.
func refuse(w http.ResponseWriter, der []byte) {
	w.Header().Set("Content-Type", ocspResponseType)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(der)
}
