package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Source for this file: Alibaba Cloud OpenAPI, ACS3-HMAC-SHA256 signature.

// v3Required are the headers a V3 signature must cover. Without any one of them
// the signature could be carried over to another host, operation, time or body.
var v3Required = []string{
	"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version",
}

func readV3(r *Request, fields string) (*Claim, error) {
	auth, err := parseAuthorization(fields)
	if err != nil {
		return nil, err
	}
	names := strings.Split(auth.signedHeaders, ";")
	if err := checkSignedHeaders(r, names); err != nil {
		return nil, err
	}
	headers, err := signedValues(r, names)
	if err != nil {
		return nil, err
	}
	canonical := canonicalRequest(r, names, headers)
	c := &Claim{
		Scheme:        V3,
		AccessKeyID:   auth.credential,
		SecurityToken: headers["x-acs-security-token"],
		Nonce:         headers["x-acs-signature-nonce"],
		Timestamp:     headers["x-acs-date"],
		Method:        acs3,
		Signature:     auth.signature,
		Action:        headers["x-acs-action"],
		Version:       headers["x-acs-version"],
		canonical:     canonical,
		text:          acs3 + "\n" + hexSHA256([]byte(canonical)),
	}
	if err := checkV3(r, c, headers); err != nil {
		return nil, err
	}
	return c, nil
}

// canonicalRequest is the text V3 hashes and signs. No header value holds a line
// end, so its lines can be read in one way only.
func canonicalRequest(r *Request, names []string, headers map[string]string) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n/\n" + canonicalQuery(r.Query) + "\n")
	for _, name := range names {
		b.WriteString(name + ":" + headers[name] + "\n")
	}
	b.WriteString("\n" + strings.Join(names, ";") + "\n" + headers["x-acs-content-sha256"])
	return b.String()
}

// checkV3 makes sure that the signed headers speak of this request: its body,
// and the operation that other readers would take from its parameters.
func checkV3(r *Request, c *Claim, headers map[string]string) error {
	if c.Timestamp == "" {
		return refuse("MissingTimestamp", "Header x-acs-date is empty.")
	}
	if c.Nonce == "" {
		return refuse("MissingSignatureNonce", "Header x-acs-signature-nonce is empty.")
	}
	if headers["x-acs-content-sha256"] != hexSHA256(r.Body) {
		return refuse("IncompleteSignature", "Header x-acs-content-sha256 is not the lower-case hexadecimal SHA-256 of the body.")
	}
	for _, params := range []map[string]string{r.Query, r.Form} {
		if action, present := params["Action"]; present && action != c.Action {
			return refuse("InvalidParameter", "Parameter Action is not the signed x-acs-action: signing one action and calling another.")
		}
		if version, present := params["Version"]; present && version != c.Version {
			return refuse("InvalidParameter", "Parameter Version is not the signed x-acs-version: signing one version and calling another.")
		}
	}
	return nil
}

// checkSignedHeaders holds the list to its one form, and to all it must cover. A
// security token need not be there, but must not be added by somebody else.
func checkSignedHeaders(r *Request, names []string) error {
	for i, name := range names {
		if !headerName(name) {
			return refuse("IncompleteSignature", "SignedHeaders must hold lower-case header names, but holds %q.", name)
		}
		if i > 0 && names[i-1] >= name {
			return refuse("IncompleteSignature", "SignedHeaders must be sorted, each name once: %q is out of place.", name)
		}
	}
	for _, name := range v3Required {
		if !slices.Contains(names, name) {
			return refuse("IncompleteSignature", "Header %s must be present and signed.", name)
		}
	}
	if len(r.Header.Values("X-Acs-Security-Token")) > 0 && !slices.Contains(names, "x-acs-security-token") {
		return refuse("IncompleteSignature", "Header x-acs-security-token must be signed.")
	}
	return nil
}

// signedValues gives the trimmed value of each name. A header sent twice is
// refused: no two readers agree on which of the values counts.
func signedValues(r *Request, names []string) (map[string]string, error) {
	values := make(map[string]string, len(names))
	for _, name := range names {
		sent := r.Header.Values(name)
		if name == "host" {
			sent = []string{r.Host} // net/http keeps it apart from the headers
		}
		switch {
		case len(sent) == 0, name == "host" && r.Host == "":
			return nil, refuse("IncompleteSignature", "Header %s is signed but absent.", name)
		case len(sent) > 1:
			return nil, refuse("IncompleteSignature", "Header %s is present more than once.", name)
		case strings.ContainsAny(sent[0], "\r\n"):
			return nil, refuse("IncompleteSignature", "Header %s holds a line end.", name)
		}
		values[name] = strings.TrimSpace(sent[0])
	}
	return values, nil
}

func headerName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || 'z' < c) && (c < '0' || '9' < c) && c != '-' && c != '_' {
			return false
		}
	}
	return name != ""
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
