package rpc_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

// Requests of an official client, byte for byte, pass the gateway at the time
// they were made and end where an account without plans and orders must end.
func TestVectors(t *testing.T) {
	const common = "Format=JSON&Version=2020-04-07&AccessKeyId=testid&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&Timestamp=2024-08-01T02%3A03%3A04Z"
	for _, test := range []struct {
		name, verb, query, body string
		code                    string
	}{
		{
			"A: all in a GET query", http.MethodGet,
			"Action=DescribeCertificateState&OrderId=123451222&" + common + "&SignatureNonce=nonce-0001&Signature=JKcYs9vhFT77728kvi1a%2FTVKmcM%3D",
			"", "NotFoundOrder",
		},
		{
			"B: operation parameters in the form", http.MethodPost,
			"Action=CreateCertificateRequest&" + common + "&SignatureNonce=nonce-0002&Signature=jKzrjZtLzWBp%2BHGJhEg9FlGaw6Y%3D",
			"ProductCode=symantec-dv-1-starter&Username=Tom%20O'Neil%20(ops)&Phone=13900001111&Email=username%2Bdv%40example.com" +
				"&Domain=*.aliyundoc.com&ValidateType=DNS&Tags.1.Key=env&Tags.1.Value=a%20b~c",
			"NotFoundPackage",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := testenv.New(t, testenv.WithoutWorker())
			env.AddKey(chancery.AccessKey{ID: "testid", Secret: chancery.NewSecret([]byte("testsecret"))})
			env.Clock.Set(time.Date(2024, 8, 1, 2, 3, 4, 0, time.UTC))
			got := env.Send(&testenv.Wire{
				Verb: test.verb, Path: "/", Query: test.query, Body: test.body,
				Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}},
			})
			check(t, got, test.code, 404, "")
			got = env.Send(&testenv.Wire{Verb: test.verb, Path: "/", Query: strings.Replace(test.query, "2020-04-07", "2017-07-13", 1), Body: test.body})
			check(t, got, "InvalidVersion", 400, "")
		})
	}
}
