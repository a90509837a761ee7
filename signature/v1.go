package signature

import "maps"

// Source for this file: Alibaba Cloud OpenAPI, RPC signature (SignatureVersion 1.0).

// v1Required are the parameters no V1 call can do without, in the order their
// absence is reported; the code is "Missing" and the name.
var v1Required = []string{
	"AccessKeyId", "Signature", "SignatureVersion", "SignatureMethod", "SignatureNonce", "Timestamp",
}

func readV1(r *Request) (*Claim, error) {
	params, err := union(r)
	if err != nil {
		return nil, err
	}
	if err := checkV1(r, params); err != nil {
		return nil, err
	}
	c := &Claim{
		Scheme:        V1,
		AccessKeyID:   params["AccessKeyId"],
		SecurityToken: params["SecurityToken"],
		Nonce:         params["SignatureNonce"],
		Timestamp:     params["Timestamp"],
		Method:        params["SignatureMethod"],
		Signature:     params["Signature"],
		Action:        params["Action"],
		Version:       params["Version"],
	}
	delete(params, "Signature") // the one parameter that cannot sign itself
	c.text = r.Method + "&%2F&" + Encode(canonicalQuery(params))
	return c, nil
}

// union is what V1 signs: the query and the form as one set. A name with two
// values would let one be signed and the other be read.
func union(r *Request) (map[string]string, error) {
	all := make(map[string]string, len(r.Query)+len(r.Form))
	maps.Copy(all, r.Query)
	for name, value := range r.Form {
		if other, twice := all[name]; twice && other != value {
			return nil, refuse("InvalidParameter", "Parameter %q differs between query and body.", name)
		}
		all[name] = value
	}
	return all, nil
}

func checkV1(r *Request, params map[string]string) error {
	if params["AccessKeyId"] == "" {
		return refuse("MissingAccessKeyId", "%s", missingKey(r, params))
	}
	for _, name := range v1Required {
		if params[name] == "" {
			return refuse("Missing"+name, "Parameter %s is required.", name)
		}
	}
	if params["SignatureVersion"] != "1.0" {
		return refuse("InvalidSignatureVersion", "SignatureVersion must be 1.0.")
	}
	if m := params["SignatureMethod"]; m != hmacSHA1 && m != hmacSHA256 {
		return refuse("InvalidSignatureMethod", "SignatureMethod must be %s or %s.", hmacSHA1, hmacSHA256)
	}
	return nil
}

// missingKey explains a call without access key: clients that were told to use a
// token would not understand that a key is missing.
func missingKey(r *Request, params map[string]string) string {
	switch {
	case params["SignatureType"] == "BEARERTOKEN":
		return "Bearer tokens (SignatureType BEARERTOKEN) are not supported; sign with an access key."
	case r.Header.Get("X-Acs-Zero-Trust-Idtoken") != "":
		return "Identity tokens (x-acs-zero-trust-idtoken) are not supported; sign with an access key."
	}
	return "The call is not signed with an access key."
}
