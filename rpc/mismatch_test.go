package rpc_test

import (
	"net/http"
	"strings"
	"testing"

	"chancery/internal/testenv"
	"chancery/signature"
)

// An official client cuts the message of SignatureDoesNotMatch at these words and
// compares the rest with its own string to sign: if they are equal it tells its
// user to check the secret.
func TestMismatchTellsTheStringToSign(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			var own string
			got := env.Signed("DescribePackageState", product, way.change,
				func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("another secret altogether") },
				tamper(func(w *testenv.Wire) { own = stringToSign(t, env, w) }))
			check(t, got, "SignatureDoesNotMatch", 400, "")
			_, shown, found := strings.Cut(got.Message(), "server string to sign is:")
			if !found {
				t.Fatalf("the message is %q", got.Message())
			}
			if strings.HasPrefix(way.name, "V1") && shown != own {
				t.Errorf("the server shows\n%q, the client signed\n%q", shown, own)
			}
			if strings.HasPrefix(way.name, "V3") && !strings.HasPrefix(shown, own+"\ncanonical request:\n") {
				t.Errorf("the server shows\n%q, the client signed\n%q", shown, own)
			}
		})
	}
}

// stringToSign is what the client signed for the request that goes out.
func stringToSign(t *testing.T, env *testenv.Env, w *testenv.Wire) string {
	t.Helper()
	sent, err := http.NewRequest(w.Verb, env.Endpoint+"/?"+w.Query, strings.NewReader(w.Body))
	if err != nil {
		t.Fatal(err)
	}
	sent.Header = w.Header
	if err := sent.ParseForm(); err != nil {
		t.Fatal(err)
	}
	read := &signature.Request{
		Method: w.Verb, Host: sent.Host, Header: w.Header, Body: []byte(w.Body),
		Query: map[string]string{}, Form: map[string]string{},
	}
	for name := range sent.URL.Query() {
		read.Query[name] = sent.URL.Query().Get(name)
	}
	for name := range sent.PostForm {
		read.Form[name] = sent.PostForm.Get(name)
	}
	claim, err := signature.Read(read)
	if err != nil {
		t.Fatal(err)
	}
	return claim.StringToSign()
}

// The string to sign may hold a private key, so it goes to the caller alone.
func TestMismatchIsNotLogged(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for _, way := range ways {
		check(t, env.Signed("DescribePackageState", map[string]string{"ProductCode": inner}, way.change,
			func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("another secret altogether") }),
			"SignatureDoesNotMatch", 400, "")
	}
	if log := env.Logged(); strings.Contains(log, inner) || strings.Count(log, "code=SignatureDoesNotMatch") != len(ways) {
		t.Errorf("the log is\n%s", log)
	}
}
