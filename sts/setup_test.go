package sts_test

import (
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chancery/internal/testenv"
	"chancery/signature"
	"chancery/sts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type parameters = map[string]string

// schemes are both ways to sign.
var schemes = map[string]func(*testenv.Request){
	"V1": func(r *testenv.Request) {
		r.Options.Scheme, r.Options.Format, r.Options.Method = signature.V1, "JSON", "HMAC-SHA1"
		r.Verb, r.Place = http.MethodGet, testenv.InQuery
	},
	"V3": func(*testenv.Request) {},
}

// inSTS has a request call this product.
var inSTS = testenv.InVersion(sts.Version)

// check compares the outcome of a call; code "" means success, and says is a part
// of the message.
func check(t *testing.T, got testenv.Answer, code string, status int, says string) {
	t.Helper()
	if got.Code() != code || got.Status != status {
		t.Errorf("got %d %q, want %d %q: %s", got.Status, got.Code(), status, code, got.Body)
	}
	if message := got.Message(); !strings.Contains(message, says) {
		t.Errorf("the message is %q; want %q in it", message, says)
	}
}
