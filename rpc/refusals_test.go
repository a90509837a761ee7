package rpc_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
	"chancery/signature"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// refusal is a row of the table of the gateway's own errors. It holds in every
// way of calling that the scheme allows.
type refusal struct {
	name   string
	change change
	code   string
	status int
	says   string
}

// The rows that hold for both schemes.
func refusals(disabled signature.Credentials) []refusal {
	return []refusal{
		{"the method is PUT", tamper(func(w *testenv.Wire) { w.Verb = http.MethodPut }), "UnsupportedHTTPMethod", 400, "GET or POST"},
		{"the method is DELETE", tamper(func(w *testenv.Wire) { w.Verb = http.MethodDelete }), "UnsupportedHTTPMethod", 400, "GET or POST"},
		{"the path is another", tamper(func(w *testenv.Wire) { w.Path = "/api" }), "InvalidAction.NotFound", 404, "one path"},
		{"no action is named", action(""), "MissingAction", 400, "Action"},
		{"no version is named", func(r *testenv.Request) { r.Options.Version = "" }, "MissingVersion", 400, "Version"},
		{"the action does not exist", action("BakeCake"), "InvalidAction.NotFound", 404, "check URL and method"},
		{"the action is in another letter case", action("describepackagestate"), "InvalidAction.NotFound", 404, "letter case"},
		{"the version is not served", func(r *testenv.Request) { r.Options.Version = "2017-07-13" }, "InvalidVersion", 400, "2020-04-07"},
		{"the key is not known", func(r *testenv.Request) { r.Credentials.AccessKeyID = "CHANnobody" }, "InvalidAccessKeyId.NotFound", 404, "not known"},
		{"the key is in another letter case", func(r *testenv.Request) { r.Credentials.AccessKeyID = strings.ToLower(r.Credentials.AccessKeyID) }, "InvalidAccessKeyId.NotFound", 404, "not known"},
		{"the key is disabled", func(r *testenv.Request) { r.Credentials = disabled }, "InvalidAccessKeyId.Inactive", 400, "disabled"},
		{"a permanent key comes with a token", func(r *testenv.Request) { r.Credentials.SecurityToken = "token" }, "InvalidSecurityToken.MismatchWithAccessKey", 400, "security token"},
		{"the time is past", at(-15*time.Minute - time.Second), "InvalidTimeStamp.Expired", 400, "15m1s off"},
		{"the time is to come", at(15*time.Minute + time.Second), "InvalidTimeStamp.Expired", 400, "15m1s off"},
		{"the secret is wrong", func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("a-wrong-secret-of-30-characters") }, "SignatureDoesNotMatch", 400, "server string to sign is:"},
		{"the nonce is endless", func(r *testenv.Request) { r.Options.Nonce = strings.Repeat("n", 257) }, "InvalidSignatureNonce", 400, "256"},
	}
}

func action(name string) change { return func(r *testenv.Request) { r.Options.Action = name } }

// The rows of V1, whose common parameters are parameters.
var refusalsV1 = []refusal{
	{"it is not signed at all", remove("AccessKeyId", "Signature", "SignatureVersion"), "MissingAccessKeyId", 400, "not signed"},
	{"no key is named", remove("AccessKeyId"), "MissingAccessKeyId", 400, ""},
	{"the key is empty", replace("AccessKeyId", ""), "MissingAccessKeyId", 400, ""},
	{"it has no signature", remove("Signature"), "MissingSignature", 400, "Signature"},
	{"it has no signature method", remove("SignatureMethod"), "MissingSignatureMethod", 400, "SignatureMethod"},
	{"it has no signature version", remove("SignatureVersion"), "MissingSignatureVersion", 400, "SignatureVersion"},
	{"it has no nonce", remove("SignatureNonce"), "MissingSignatureNonce", 400, "SignatureNonce"},
	{"it has no time", remove("Timestamp"), "MissingTimestamp", 400, "Timestamp"},
	{"the signature method is another", replace("SignatureMethod", "HMAC-MD5"), "InvalidSignatureMethod", 400, "HMAC-SHA256"},
	{"the signature version is another", replace("SignatureVersion", "2.0"), "InvalidSignatureVersion", 400, "1.0"},
	{"the time has words", replace("Timestamp", "yesterday"), "InvalidTimeStamp.Format", 400, "in UTC"},
	{"the time has an offset", replace("Timestamp", "2024-08-01T10:03:04+08:00"), "InvalidTimeStamp.Format", 400, "in UTC"},
	{"the time is a number", replace("Timestamp", "1722477784"), "InvalidTimeStamp.Format", 400, "in UTC"},
	{"a parameter was changed after signing", replace("ProductCode", "geotrust-dv-1-starter"), "SignatureDoesNotMatch", 400, "geotrust-dv-1-starter"},
	{"one action is signed and another called", replace("Action", "CancelOrderRequest"), "SignatureDoesNotMatch", 400, ""},
	{"the format is another", func(r *testenv.Request) { r.Options.Format = "YAML" }, "InvalidParameter.Format", 400, "JSON or XML"},
	{"the signature is cut", tamper(func(w *testenv.Wire) { w.Replace("Signature", "AAAA") }), "SignatureDoesNotMatch", 400, ""},
}

// The rows of V3, whose common parameters are headers.
var refusalsV3 = []refusal{
	{"it is not signed at all", header("Authorization", ""), "MissingAccessKeyId", 400, "not signed"},
	{"the action's header is not there", header("X-Acs-Action", ""), "MissingAction", 400, "Action"},
	{"the version's header is not there", header("X-Acs-Version", ""), "MissingVersion", 400, "Version"},
	{"no key is named", authorization("Credential=", "Key="), "IncompleteSignature", 400, ""},
	{"it has no signature", authorization(",Signature=", ",Sign="), "IncompleteSignature", 400, ""},
	{"the nonce's header is not there", header("X-Acs-Signature-Nonce", ""), "IncompleteSignature", 400, "x-acs-signature-nonce"},
	{"the time's header is not there", header("X-Acs-Date", ""), "IncompleteSignature", 400, "x-acs-date"},
	{"the nonce is blank", header("X-Acs-Signature-Nonce", " "), "MissingSignatureNonce", 400, "x-acs-signature-nonce"},
	{"the time is blank", header("X-Acs-Date", " "), "MissingTimestamp", 400, "x-acs-date"},
	{"the host is not signed", authorization("host;", ""), "IncompleteSignature", 400, "host"},
	{"the algorithm is another", authorization("ACS3-HMAC-SHA256", "ACS3-HMAC-SM3"), "InvalidSignatureMethod", 400, "ACS3-HMAC-SHA256"},
	{"the time has words", header("X-Acs-Date", "yesterday"), "InvalidTimeStamp.Format", 400, "in UTC"},
	{"the time has an offset", header("X-Acs-Date", "2024-08-01T10:03:04+08:00"), "InvalidTimeStamp.Format", 400, "in UTC"},
	{"the query was changed after signing", tamper(func(w *testenv.Wire) { w.Query += "&Extra=1" }), "SignatureDoesNotMatch", 400, ""},
	{"the body is not the one signed", together(asPost, tamper(func(w *testenv.Wire) { w.Body += "&Extra=1" })), "IncompleteSignature", 400, "x-acs-content-sha256"},
	{"one action is signed and another called", header("X-Acs-Action", "CancelOrderRequest"), "SignatureDoesNotMatch", 400, ""},
	{"another action stands in the query", tamper(func(w *testenv.Wire) { w.Query += "&Action=CancelOrderRequest" }), "InvalidParameter", 400, "signing one action and calling another"},
	{"another version stands in the query", tamper(func(w *testenv.Wire) { w.Query += "&Version=2000-01-01" }), "InvalidParameter", 400, "signing one version and calling another"},
}

func asPost(r *testenv.Request) { r.Verb, r.Place = http.MethodPost, testenv.InForm }

func authorization(part, instead string) change {
	return tamper(func(w *testenv.Wire) {
		w.Header.Set("Authorization", strings.Replace(w.Header.Get("Authorization"), part, instead, 1))
	})
}

func TestRefusals(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	disabled := env.NewKey()
	env.Write(func(tx chancery.Tx) error { return tx.DisableAccessKey(disabled.Account, disabled.Key.ID) })
	both := refusals(disabled.Credentials())
	before := env.Dump()

	for _, way := range ways {
		rows := slices.Concat(both, refusalsV1)
		if strings.HasPrefix(way.name, "V3") {
			rows = slices.Concat(both, refusalsV3)
		}
		for _, row := range rows {
			t.Run(way.name+"/"+row.name, func(t *testing.T) {
				got := env.Signed("DescribePackageState", product, way.change, row.change)
				check(t, got, row.code, row.status, row.says)
			})
		}
		t.Run(way.name+"/nothing is wrong", func(t *testing.T) {
			check(t, env.Signed("DescribePackageState", product, way.change), "", 200, "")
		})
	}
	if after := env.Dump(); after != before {
		t.Errorf("refused calls changed the data from\n%s\nto\n%s", before, after)
	}
	if n := env.Count("SELECT COUNT(*) FROM nonces"); n != int64(len(ways)) {
		t.Errorf("%d nonces are recorded; only the %d good calls have one", n, len(ways))
	}
}

var product = map[string]string{"ProductCode": chancery.DefaultProduct}

// Of several faults a caller learns the one whose repair helps most; each list is
// in the order of the checks.
func TestOrderOfChecks(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
	const used = "a nonce that was used"
	check(t, env.Signed("Echo", nil, inLaboratory, func(r *testenv.Request) { r.Options.Nonce = used }), "", 200, "")

	verb := refusal{change: tamper(func(w *testenv.Wire) { w.Verb = http.MethodPut }), code: "UnsupportedHTTPMethod"}
	encoding := refusal{change: tamper(func(w *testenv.Wire) { w.Query += "&%zz" }), code: "InvalidParameter"}
	key := refusal{change: func(r *testenv.Request) { r.Credentials.AccessKeyID = "CHANnobody" }, code: "InvalidAccessKeyId.NotFound"}
	late := refusal{change: at(-time.Hour), code: "InvalidTimeStamp.Expired"}
	secret := refusal{change: func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("wrong") }, code: "SignatureDoesNotMatch"}
	nonce := refusal{change: func(r *testenv.Request) { r.Options.Nonce = used }, code: "SignatureNonceUsed"}
	value := refusal{change: func(r *testenv.Request) { r.Parameters["Number"] = "many" }, code: "InvalidParameter"}
	absent := refusal{change: func(r *testenv.Request) { delete(r.Parameters, "Text") }, code: "MissingParameter"}

	for _, scheme := range []struct {
		name   string
		way    change
		faults []refusal
	}{
		{"V1", v1Get, []refusal{
			verb, encoding,
			{change: func(r *testenv.Request) { r.Options.Format = "YAML" }, code: "InvalidParameter.Format"},
			{change: remove("Action"), code: "MissingAction"},
			{change: remove("SignatureNonce"), code: "MissingSignatureNonce"},
			key, late, secret, nonce, absent, value,
		}},
		{"V3", v3Post, []refusal{
			verb, encoding,
			{change: header("X-Acs-Action", ""), code: "MissingAction"},
			{change: authorization("host;", ""), code: "IncompleteSignature"},
			key, late, secret, nonce, absent, value,
		}},
	} {
		for i := range scheme.faults {
			changes := []change{inLaboratory, scheme.way}
			for _, fault := range scheme.faults[i:] {
				changes = append(changes, fault.change)
			}
			want := scheme.faults[i].code
			t.Run(scheme.name+"/"+want, func(t *testing.T) {
				got := env.Signed("Demand", map[string]string{"Text": "x"}, changes...)
				if got.Code() != want {
					t.Errorf("got %s, want %s", got.Body, want)
				}
			})
		}
	}
}

// The window has closed edges, either way.
func TestTimeWindow(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	sent := env.Clock.Now()
	for _, test := range []struct {
		name   string
		server time.Duration // how far the server's clock is ahead of the sender's
		code   string
		status int
	}{
		{"15 minutes late", 15 * time.Minute, "", 200},
		{"a millisecond more", 15*time.Minute + time.Millisecond, "InvalidTimeStamp.Expired", 400},
		{"15 minutes early", -15 * time.Minute, "", 200},
		{"a millisecond earlier", -15*time.Minute - time.Millisecond, "InvalidTimeStamp.Expired", 400},
	} {
		for _, way := range ways {
			t.Run(test.name+"/"+way.name, func(t *testing.T) {
				env.Clock.Set(sent.Add(test.server))
				got := env.Signed("DescribePackageState", nil, way.change, func(r *testenv.Request) { r.Options.Time = sent })
				check(t, got, test.code, test.status, "")
			})
		}
	}
}
