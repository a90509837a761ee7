package ca

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"chancery"
)

func ocspRequest(t testing.TB, a *Authority, serial *big.Int, hash crypto.Hash) []byte {
	t.Helper()
	der, err := ocsp.CreateRequest(&x509.Certificate{SerialNumber: serial}, parse(t, a.Issuing()), &ocsp.RequestOptions{Hash: hash})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func post(a *Authority, contentType string, body []byte) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest("POST", responderPath, bytes.NewReader(body))
	request.Header.Set("Content-Type", contentType)
	a.Handler().ServeHTTP(recorder, request)
	return recorder
}

// asked asks by POST and checks the signature.
func asked(t *testing.T, a *Authority, serial *big.Int, hash crypto.Hash) *ocsp.Response {
	t.Helper()
	got := post(a, "application/ocsp-request", ocspRequest(t, a, serial, hash))
	response, err := ocsp.ParseResponse(got.Body.Bytes(), parse(t, a.Issuing()))
	if err != nil || got.Code != 200 || got.Header().Get("Content-Type") != ocspResponseType {
		t.Fatalf("HTTP %d %s: %v", got.Code, got.Header(), err)
	}
	if response.SerialNumber.Cmp(serial) != 0 || response.IssuerHash != hash {
		t.Errorf("it answers for %x by %s", response.SerialNumber, response.IssuerHash)
	}
	if now := a.config.Clock.Now(); response.ThisUpdate.After(now) || response.NextUpdate.Sub(now) > day || !response.NextUpdate.After(now) {
		t.Errorf("it holds from %s to %s", response.ThisUpdate, response.NextUpdate)
	}
	return response
}

func TestOCSP(t *testing.T) {
	a, store, now := testCA(t, Config{BaseURL: testBase})
	good := issue(t, a, requestFor(t, 1, "good.example.com"))
	bad := issue(t, a, requestFor(t, 2, "bad.example.com"))
	plain := issue(t, a, requestFor(t, 3, "plain.example.com"))
	revoke(t, a, bad, chancery.KeyCompromise)
	revoke(t, a, plain, chancery.Unspecified)
	intended := newSerial()
	store.issuances[chancery.SerialHex(intended)] = chancery.Issuance{AuthorityID: ID(a.Issuing())}
	others := newSerial()
	store.issuances[chancery.SerialHex(others)] = chancery.Issuance{AuthorityID: "other", Certificate: good.Raw}

	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256} {
		for _, test := range []struct {
			serial *big.Int
			status int
			reason chancery.Reason
		}{
			{good.SerialNumber, ocsp.Good, 0},
			{bad.SerialNumber, ocsp.Revoked, chancery.KeyCompromise},
			{plain.SerialNumber, ocsp.Revoked, chancery.Unspecified},
			{intended, ocsp.Unknown, 0},
			{others, ocsp.Unknown, 0},
			{newSerial(), ocsp.Unknown, 0},
			{new(big.Int).Neg(good.SerialNumber), ocsp.Unknown, 0},
			{big.NewInt(0), ocsp.Unknown, 0},
		} {
			response := asked(t, a, test.serial, hash)
			if response.Status != test.status || response.RevocationReason != int(test.reason) {
				t.Errorf("%x by %s: status %d, reason %d; want %d, %d", test.serial, hash, response.Status, response.RevocationReason, test.status, test.reason)
			}
			if test.status == ocsp.Revoked && !response.RevokedAt.Equal(testDay.Truncate(time.Second)) {
				t.Errorf("revoked at %s", response.RevokedAt)
			}
		}
	}
	// A certificate that has ended is answered for as before.
	now.set(good.NotAfter.Add(day))
	if response := asked(t, a, good.SerialNumber, crypto.SHA1); response.Status != ocsp.Good {
		t.Errorf("after its end: status %d", response.Status)
	}
}

func TestOCSPResponder(t *testing.T) {
	a, store, now := testCA(t, Config{BaseURL: testBase})
	leaf := issue(t, a, requestFor(t, 1, "www.example.com"))
	first := asked(t, a, leaf.SerialNumber, crypto.SHA1).Certificate
	noCheck := slices.ContainsFunc(first.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(oidNoCheck) })
	if !noCheck || !slices.Equal(first.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}) || first.KeyUsage != x509.KeyUsageDigitalSignature || first.IsCA {
		t.Errorf("no-check %t, usages %v %b", noCheck, first.ExtKeyUsage, first.KeyUsage)
	}
	if life := lifeOf(first.NotBefore, first.NotAfter); life > responderLife {
		t.Errorf("its life is %s", life)
	}
	if record, ok := store.issuances[chancery.SerialHex(first.SerialNumber)]; !ok || record.OrderID != 0 || record.AccountID != 0 {
		t.Errorf("its record is %+v", record)
	}
	now.set(testDay.Add(day))
	if same := asked(t, a, leaf.SerialNumber, crypto.SHA1).Certificate; !bytes.Equal(same.Raw, first.Raw) {
		t.Error("renewed after a day")
	}
	now.set(testDay.Add(5 * day))
	next := asked(t, a, leaf.SerialNumber, crypto.SHA1).Certificate
	if bytes.Equal(next.Raw, first.Raw) || !next.NotAfter.After(first.NotAfter) {
		t.Error("not renewed before its end")
	}
}

func TestOCSPByGet(t *testing.T) {
	a, _, _ := testCA(t, Config{BaseURL: testBase})
	// Serials whose requests hold what paths treat in a special way.
	seen := map[string]bool{}
	for len(seen) < 4 {
		request := ocspRequest(t, a, newSerial(), crypto.SHA1)
		text := base64.StdEncoding.EncodeToString(request)
		for _, special := range []string{"+", "/", "//", "="} {
			if !strings.Contains(text, special) || seen[special] {
				continue
			}
			seen[special] = true
			for _, path := range []string{text, url.PathEscape(text), url.QueryEscape(text)} {
				recorder := httptest.NewRecorder()
				a.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", responderPath+"/"+path, nil))
				if _, err := ocsp.ParseResponse(recorder.Body.Bytes(), parse(t, a.Issuing())); err != nil || recorder.Code != 200 {
					t.Errorf("%s: HTTP %d: %v", path, recorder.Code, err)
				}
				header := recorder.Header()
				for _, name := range []string{"Last-Modified", "Expires", "ETag"} {
					if header.Get(name) == "" {
						t.Errorf("no %s", name)
					}
				}
				if !strings.HasPrefix(header.Get("Cache-Control"), "max-age=300, public, no-transform, must-revalidate") {
					t.Errorf("Cache-Control: %s", header.Get("Cache-Control"))
				}
			}
		}
	}
}

func TestOCSPRefusals(t *testing.T) {
	a, store, _ := testCA(t, Config{BaseURL: testBase})
	b, _, _ := testCA(t, Config{})
	request := ocspRequest(t, a, newSerial(), crypto.SHA1)
	for name, test := range map[string]struct {
		contentType string
		body        []byte
		status      int
		der         []byte
	}{
		"other issuer":       {"application/ocsp-request", ocspRequest(t, b, newSerial(), crypto.SHA1), 200, ocsp.UnauthorizedErrorResponse},
		"other hash":         {"application/ocsp-request", ocspRequest(t, a, newSerial(), crypto.SHA512), 200, ocsp.UnauthorizedErrorResponse},
		"malformed":          {"application/ocsp-request", request[:len(request)-1], 200, ocsp.MalformedRequestErrorResponse},
		"trailing":           {"application/ocsp-request", append(slices.Clone(request), 0), 200, ocsp.MalformedRequestErrorResponse},
		"empty":              {"application/ocsp-request", nil, 200, ocsp.MalformedRequestErrorResponse},
		"too large":          {"application/ocsp-request", make([]byte, maxOCSPRequest+1), http.StatusRequestEntityTooLarge, nil},
		"content type":       {"application/x-www-form-urlencoded", request, http.StatusUnsupportedMediaType, nil},
		"without a type":     {"", request, http.StatusUnsupportedMediaType, nil},
		"type and a charset": {"application/ocsp-request; charset=utf-8", request, 200, nil},
	} {
		got := post(a, test.contentType, test.body)
		if got.Code != test.status || test.der != nil && !bytes.Equal(got.Body.Bytes(), test.der) {
			t.Errorf("%s: HTTP %d %x", name, got.Code, got.Body.Bytes())
		}
	}
	for path, want := range map[string]int{
		responderPath: 400, responderPath + "/": 400, responderPath + "/%": 0, responderPath + "/!": 400,
		responderPath + "/" + strings.Repeat("A", 2*maxOCSPRequest+4): http.StatusRequestURITooLong,
	} {
		if want == 0 {
			continue // not a URL at all
		}
		recorder := httptest.NewRecorder()
		a.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
		if recorder.Code != want {
			t.Errorf("GET %.40s: HTTP %d", path, recorder.Code)
		}
	}
	recorder := httptest.NewRecorder()
	a.Handler().ServeHTTP(recorder, httptest.NewRequest("DELETE", responderPath, nil))
	if recorder.Code != http.StatusMethodNotAllowed || recorder.Header().Get("Allow") == "" {
		t.Errorf("DELETE: HTTP %d", recorder.Code)
	}
	store.fail = func(string) error { return errors.New("no database") }
	if got := post(a, "application/ocsp-request", request); !bytes.Equal(got.Body.Bytes(), ocsp.InternalErrorErrorResponse) {
		t.Errorf("without a database: %x", got.Body.Bytes())
	}
}

// FuzzOCSP wants every request answered: a good one with a signature, any other
// with an error, none with a panic.
func FuzzOCSP(f *testing.F) {
	a, _, _ := testCA(f, Config{BaseURL: testBase})
	leaf := issue(f, a, requestFor(f, 1, "www.example.com"))
	if err := a.Revoke(context.Background(), chancery.SerialHex(leaf.SerialNumber), testDay, chancery.Superseded); err != nil {
		f.Fatal(err)
	}
	for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384} {
		f.Add(ocspRequest(f, a, leaf.SerialNumber, hash))
	}
	f.Add([]byte{})
	f.Add([]byte{0x30, 0x00})
	issuing := parse(f, a.Issuing())
	f.Fuzz(func(t *testing.T, der []byte) {
		got := post(a, "application/ocsp-request", der)
		if got.Code != 200 && got.Code != http.StatusRequestEntityTooLarge {
			t.Fatalf("HTTP %d", got.Code)
		}
		if got.Code != 200 {
			return
		}
		_, err := ocsp.ParseResponse(got.Body.Bytes(), issuing)
		var refusal ocsp.ResponseError
		if err != nil && (!errors.As(err, &refusal) || refusal.Status == ocsp.InternalError) {
			t.Fatalf("%x: %v", der, err)
		}
	})
}
