package signature

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestNothingPrintsASecret(t *testing.T) {
	c := Credentials{AccessKeyID: "testid", AccessKeySecret: []byte("tops3cret"), SecurityToken: "tok3n-of-it"}
	claim := &Claim{Scheme: V1, AccessKeyID: "testid", Action: "A", SecurityToken: "tok3n-of-it", text: "tops3cret", canonical: "tops3cret"}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t"} {
		for _, value := range []any{c, &c, c.AccessKeySecret, []Credentials{c}, struct{ C Credentials }{c}, claim, *claim} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("m", "credentials", c, "pointer", &c, "secret", c.AccessKeySecret, "claim", claim)
	}
	text, err := json.Marshal([]any{c, &c, c.AccessKeySecret})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	fmt.Fprintln(&out, c.String(), c.AccessKeySecret.String(), claim.String())
	for _, secret := range []string{"tops3cret", "tok3n"} {
		for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), strings.Trim(fmt.Sprintf("%d", []byte(secret)), "[]")} {
			if strings.Contains(strings.ToLower(out.String()), form) {
				t.Errorf("%q is in the output as %q", secret, form)
			}
		}
	}
	if !strings.Contains(out.String(), "testid [redacted]") {
		t.Error("the key's id is not shown")
	}
}
