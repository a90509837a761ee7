package acme

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// TestSignatures verifies what is signed with the public key alone.
func TestSignatures(t *testing.T) {
	der, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(der)
	if err != nil {
		t.Fatal(err)
	}
	for range 50 { // r and s of all lengths
		text, err := message(header{Alg: "ES256", URL: "https://ca.example.test/x", Nonce: "n", KID: "https://ca.example.test/me"}, []byte(`{"a":1}`), signES256(key))
		if err != nil {
			t.Fatal(err)
		}
		var m signedMessage
		if err := json.Unmarshal(text, &m); err != nil {
			t.Fatal(err)
		}
		signature, err := base64.RawURLEncoding.DecodeString(m.Signature)
		if err != nil || len(signature) != 64 {
			t.Fatalf("the signature has %d bytes, %v", len(signature), err)
		}
		digest := sha256.Sum256([]byte(m.Protected + "." + m.Payload))
		r, s := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
		if !ecdsa.Verify(key.Public().(*ecdsa.PublicKey), digest[:], r, s) {
			t.Fatal("the signature does not verify")
		}
	}
	if _, err := ParseKey([]byte("no key")); err == nil || strings.Contains(err.Error(), "no key\"") {
		t.Errorf("parsing no key: %v", err)
	}
}

// TestKeyAuthorization computes what RFC 7515, A.3 and RFC 8555, 8 give for a known
// key.
func TestKeyAuthorization(t *testing.T) {
	number := func(text string) *big.Int {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return new(big.Int).SetBytes(b)
	}
	const x, y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
	key := &ecdsa.PrivateKey{PublicKey: ecdsa.PublicKey{Curve: elliptic.P256(), X: number(x), Y: number(y)}} //nolint:staticcheck // a key of the RFC
	thumbprint := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + x + `","y":"` + y + `"}`))
	got, err := KeyAuthorization("token", key)
	if want := "token." + base64.RawURLEncoding.EncodeToString(thumbprint[:]); err != nil || got != want {
		t.Errorf("the key authorization is %q, %v; want %q", got, err, want)
	}
	digest := sha256.Sum256([]byte(got))
	if value := RecordValue(got); value != base64.RawURLEncoding.EncodeToString(digest[:]) || len(value) != 43 {
		t.Errorf("the record's value is %q", value)
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Time{
		"":                              {},
		"0":                             noon,
		"120":                           noon.Add(2 * time.Minute),
		"-5":                            {},
		"1.5":                           {},
		"soon":                          {},
		"999999999":                     noon.Add(31 * 24 * time.Hour),
		"99999999999999":                {},
		"Wed, 25 Nov 2026 12:00:30 GMT": noon.Add(30 * time.Second),
		"Wed, 25 Nov 2099 12:00:30 GMT": {},
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, noon); !got.Equal(want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
}

func TestURLs(t *testing.T) {
	strict, lenient := &Client{}, &Client{AllowHTTP: true}
	for _, good := range []string{"https://ca.example.test/x", "https://10.0.0.1:9000/acme/x?y=1"} {
		if err := strict.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "/order", "http://ca.example.test/x", "ftp://ca.example.test/", "file:///etc/passwd", "https://", "https:ca", "https://a@ca.example.test/",
		"https://ca.example.test/#x", "https://ca.example.test/\n", "https://ca.example.test/" + strings.Repeat("x", maxURL), "://",
	} {
		if err := strict.CheckURL(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if err := lenient.CheckURL("http://ca.example.test/x"); err != nil {
		t.Error(err)
	}
	if err := lenient.CheckURL("file:///etc/passwd"); err == nil {
		t.Error("a file is taken")
	}
}

func TestTokens(t *testing.T) {
	c := &Client{}
	for token, good := range map[string]bool{
		"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA": true,
		strings.Repeat("a", 22):                       true,
		strings.Repeat("a", 21):                       false,
		strings.Repeat("a", 129):                      false,
		"../../../../../../x/y/z":                     false,
		"aaaaaaaaaaaaaaaaaaaaaaaa\n":                  false,
		"aaaaaaaaaaaaaaaaaaaaaaaa=":                   false,
		"aaaaaaaaaaaa$(id)aaaaaaaaaaaa":               false,
		"aaaaaaaaaaaaaaaaaaaaaaaäaaaa":                false,
	} {
		if err := c.Check(Challenge{Token: token, URL: "https://ca.example.test/c"}); (err == nil) != good {
			t.Errorf("%q: %v", token, err)
		}
	}
}

// FuzzChain: whatever comes as a chain, what is taken is certificates and nothing
// else.
func FuzzChain(f *testing.F) {
	f.Add([]byte(""))
	f.Add([]byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		chain, err := parseChain(text)
		if err == nil && (len(chain) == 0 || len(chain) > maxCertificates) {
			t.Errorf("%d certificates are taken", len(chain))
		}
	})
}

func TestPrintable(t *testing.T) {
	if got := Printable("a\x1b[31mb\x00\nc\u202e" + strings.Repeat("x", 1000)); strings.ContainsAny(got, "\x1b\x00\n\u202e") || len(got) > maxShown+20 {
		t.Errorf("%q is shown", got)
	}
}

// client is a client of a server that answers with handler.
func client(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	der, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ParseKey(der)
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{Directory: server.URL + "/dir", Key: key, HTTP: NewHTTP(nil), AllowHTTP: true, Now: func() time.Time { return noon }}
	t.Cleanup(c.HTTP.CloseIdleConnections)
	return c
}

// TestNonces: a refused nonce is replaced, though not for ever, and not where the
// server asks to be left alone.
func TestNonces(t *testing.T) {
	for _, test := range []struct {
		name    string
		refuse  int
		after   string
		posts   int
		succeed bool
	}{
		{"twice", 2, "", 3, true},
		{"for ever", 1000, "", nonceTries, false},
		{"with Retry-After", 1000, "60", 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			posts, base := 0, ""
			var c *Client
			c = client(t, func(w http.ResponseWriter, r *http.Request) {
				base = strings.TrimSuffix(c.Directory, "/dir")
				w.Header().Set("Replay-Nonce", rnd())
				w.Header().Set("Content-Type", "application/json")
				switch r.URL.Path {
				case "/dir":
					_ = json.NewEncoder(w).Encode(map[string]string{"newNonce": base + "/n", "newAccount": base + "/a", "newOrder": base + "/o", "revokeCert": base + "/r"})
				case "/a":
					if posts++; posts <= test.refuse {
						w.Header().Set("Content-Type", "application/problem+json")
						if test.after != "" {
							w.Header().Set("Retry-After", test.after)
						}
						w.WriteHeader(http.StatusBadRequest)
						_, _ = w.Write([]byte(`{"type":"urn:ietf:params:acme:error:badNonce","detail":"stale"}`))
						return
					}
					w.Header().Set("Location", base+"/me")
					w.WriteHeader(http.StatusCreated)
					_, _ = w.Write([]byte(`{"status":"valid"}`))
				}
			})
			account, err := c.Register(t.Context(), nil, "", nil)
			if (err == nil) != test.succeed || posts != test.posts || test.succeed && account.URL != base+"/me" {
				t.Errorf("after %d posts: %+v, %v", posts, account, err)
			}
		})
	}
}

var counter int

func rnd() string {
	counter++
	return strings.Repeat("n", counter)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/dir" {
			t.Errorf("it went to %s", r.URL)
		}
		http.Redirect(w, r, "/other", http.StatusFound)
	})
	if _, err := c.Discover(t.Context()); err == nil || !strings.Contains(err.Error(), "redirect") {
		t.Errorf("%v", err)
	}
}
