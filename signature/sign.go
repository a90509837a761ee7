package signature

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Options say how Sign is to sign and what it is to put in. The names they stand
// for are taken from here alone: a value the request had before is replaced.
type Options struct {
	Scheme          Scheme
	Method          string    // "" is HMAC-SHA1 in V1; V3 has one method only
	Action, Version string    // may be empty, to see a server refuse it
	Nonce           string    // unique for the key; required
	Time            time.Time // sent in UTC, to the second; required
	Format          string    // V1: JSON or XML; "" leaves it out
	InForm          bool      // V1: common parameters go to the form, not the query
}

// Sign completes r so that Read gives a claim of c's key and Verify accepts it.
//
// V1 puts the common parameters and Signature in r.Query or r.Form. V3 sets the
// x-acs-* headers and Authorization; it signs host, Content-Type and every x-acs-*
// header present, and r.Body must hold the encoded form already. Nothing may be
// changed afterwards. On an error r is half made and not to be sent.
//
// To be sure that client and server mean the same, Sign asks Read what there is
// to be signed; what Read refuses cannot be signed, and errors.As finds its
// *ReadError.
func Sign(r *Request, c Credentials, o Options) error {
	place, err := prepare(r, c, o)
	if err != nil {
		return err
	}
	place(blank)
	claim, err := Read(r)
	if err != nil {
		return fmt.Errorf("signature: cannot be signed: %w", err)
	}
	if claim.Scheme != o.Scheme || claim.AccessKeyID != c.AccessKeyID {
		return errors.New("signature: the request would be read as another scheme's or key's")
	}
	place(seal(claim.Method, c.AccessKeySecret, claim.text))
	return nil
}

// blank stands for the signature until it is known; neither scheme signs it.
var blank = strings.Repeat("0", 64)

// prepare puts in all but the signature, and gives the function that puts that in.
func prepare(r *Request, c Credentials, o Options) (place func(signature string), err error) {
	if len(c.AccessKeySecret) == 0 {
		return nil, errors.New("signature: the access key secret is empty")
	}
	if o.Time.IsZero() {
		return nil, errors.New("signature: the time is not given")
	}
	switch o.Scheme {
	case V1:
		return prepareV1(r, c, o), nil
	case V3:
		return prepareV3(r, c, o)
	}
	return nil, fmt.Errorf("signature: unknown scheme %q", o.Scheme)
}

func prepareV1(r *Request, c Credentials, o Options) func(string) {
	method := o.Method
	if method == "" {
		method = hmacSHA1
	}
	target := &r.Query
	if o.InForm {
		target = &r.Form
	}
	if *target == nil {
		*target = make(map[string]string)
	}
	for name, value := range map[string]string{
		"Action": o.Action, "Version": o.Version, "Format": o.Format,
		"AccessKeyId": c.AccessKeyID, "SecurityToken": c.SecurityToken,
		"SignatureMethod": method, "SignatureVersion": "1.0", "SignatureNonce": o.Nonce,
		"Timestamp": timestamp(o.Time), "Signature": "",
	} {
		delete(r.Query, name)
		delete(r.Form, name)
		if value != "" {
			(*target)[name] = value
		}
	}
	return func(signature string) { (*target)["Signature"] = signature }
}

func prepareV3(r *Request, c Credentials, o Options) (func(string), error) {
	if o.Method != "" && o.Method != acs3 {
		return nil, fmt.Errorf("signature: V3 has no method %q", o.Method)
	}
	if len(r.Form) > 0 && len(r.Body) == 0 {
		return nil, errors.New("signature: V3 signs the body, but the form is not in it")
	}
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	r.Header.Set("X-Acs-Action", o.Action)
	r.Header.Set("X-Acs-Version", o.Version)
	r.Header.Set("X-Acs-Date", timestamp(o.Time))
	r.Header.Set("X-Acs-Signature-Nonce", o.Nonce)
	r.Header.Set("X-Acs-Content-Sha256", hexSHA256(r.Body))
	r.Header.Del("X-Acs-Security-Token")
	r.Header.Del("X-Acs-Accesskey-Id")
	if c.SecurityToken != "" {
		r.Header.Set("X-Acs-Security-Token", c.SecurityToken)
		r.Header.Set("X-Acs-Accesskey-Id", c.AccessKeyID)
	}
	prefix := acs3 + " Credential=" + c.AccessKeyID + ",SignedHeaders=" + signable(r.Header) + ",Signature="
	return func(signature string) { r.Header.Set("Authorization", prefix+signature) }, nil
}

// signable lists the headers a V3 client signs, which are those that no proxy
// has reason to add or change.
func signable(h http.Header) string {
	names := []string{"host"}
	for key := range h {
		if name := strings.ToLower(key); name == "content-type" || strings.HasPrefix(name, "x-acs-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ";")
}

func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }
