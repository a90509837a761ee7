package chancery

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const canary = "canary-in-the-mine"

func canarySecret() Secret { return NewSecret([]byte(canary)) }

// leaks tells whether text holds the canary in a form that can be turned back.
func leaks(text string) bool {
	forms := []string{
		canary,
		hex.EncodeToString([]byte(canary)), strings.ToUpper(hex.EncodeToString([]byte(canary))),
		base64.StdEncoding.EncodeToString([]byte(canary)),
		strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]"), // 99 97 ...
		strings.Trim(fmt.Sprintf("%o", []byte(canary)), "[]"), // 143 141 ...
		strings.Trim(fmt.Sprintf("%b", []byte(canary)), "[]"),
		strings.Trim(fmt.Sprintf("%c", []byte(canary)), "[]"),
		strings.Trim(fmt.Sprintf("%U", []byte(canary)), "[]"),
		strings.Trim(fmt.Sprintf("%#x", []byte(canary)), "[]"),
		strings.TrimPrefix(strings.TrimSuffix(fmt.Sprintf("%#v", []byte(canary)), "}"), "[]byte{"),
		strings.Trim(fmt.Sprintf("% x", []byte(canary)), "[]"),
		strings.Trim(fmt.Sprintf("%q", []byte(canary)), `"`),
	}
	for _, form := range forms {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

// holder hides a secret from everybody but fmt.
type holder struct {
	Name   string
	hidden Secret
	inner  *holder
	list   []Secret
}

// whatHoldsSecrets is everything that is printed some day, by itself or inside
// something else.
func whatHoldsSecrets() map[string]any {
	secret := canarySecret()
	key := AccessKey{ID: "CHAN", AccountID: 7, Secret: secret}
	certificate := Certificate{ID: 7, Key: secret}
	authority := Authority{ID: "aa", Key: secret}
	orderKey := OrderKey{OrderID: 7, Key: secret}
	hidden := holder{Name: "x", hidden: secret, list: []Secret{secret}}
	return map[string]any{
		"a secret": secret, "its address": &secret, "a list": []Secret{secret}, "a map": map[string]Secret{"k": secret},
		"AccessKey": key, "AccessKey's address": &key, "AccessKeys": []AccessKey{key},
		"Certificate": certificate, "Certificate's address": &certificate,
		"Authority": authority, "Authority's address": &authority,
		"OrderKey": orderKey, "OrderKey's address": &orderKey,
		"an unexported field": hidden, "its address ": &hidden, "one further down": holder{inner: &hidden},
		"an anonymous struct": struct{ any }{secret}, "an error": fmt.Errorf("with %v: %w", secret, errors.New("x")),
	}
}

func TestSecretsArePrintedByNoVerb(t *testing.T) {
	verbs := []string{
		"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%o", "%O", "%b", "%c", "%U", "%e", "%t", "%p", "%T",
		"%+q", "%#q", "%10v", "%-40s", "%.3s", "%020d", "%!", "%z",
	}
	for name, value := range whatHoldsSecrets() {
		for _, verb := range verbs {
			if text := fmt.Sprintf(verb, value); leaks(text) {
				t.Errorf("%s with %s: %s", name, verb, text)
			}
		}
		if text := fmt.Sprint(value) + fmt.Sprintln(value); leaks(text) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// TestTheCanaryWouldBeSeen: the test above would notice.
func TestTheCanaryWouldBeSeen(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%o", "%b", "%c", "%U"} {
		for _, value := range []any{[]byte(canary), struct{ hidden []byte }{[]byte(canary)}} {
			if text := fmt.Sprintf(verb, value); !leaks(text) {
				t.Errorf("%s gives %s", verb, text)
			}
		}
	}
}

func TestSecretsSayThatTheyAreRedacted(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if text := fmt.Sprintf(verb, canarySecret()); text != "[redacted]" {
			t.Errorf("%s gives %s", verb, text)
		}
		for name, value := range map[string]any{
			"AccessKey":   AccessKey{Secret: canarySecret()},
			"Certificate": &Certificate{Key: canarySecret()},
			"Authority":   Authority{Key: canarySecret()},
			"OrderKey":    &OrderKey{Key: canarySecret()},
		} {
			if text := fmt.Sprintf(verb, value); !strings.Contains(text, "[redacted]") {
				t.Errorf("%s with %s: %s", name, verb, text)
			}
		}
	}
	if text := canarySecret().String(); text != "[redacted]" {
		t.Errorf("String gives %s", text)
	}
}

func TestSecretsAreNotEncoded(t *testing.T) {
	for name, value := range whatHoldsSecrets() {
		if text, err := json.Marshal(value); err == nil && leaks(string(text)) {
			t.Errorf("%s in JSON: %s", name, text)
		}
		if text, err := xml.Marshal(value); err == nil && leaks(string(text)) {
			t.Errorf("%s in XML: %s", name, text)
		}
	}
	if text, err := json.Marshal(AccessKey{Secret: canarySecret()}); err != nil || !strings.Contains(string(text), `"Secret":"[redacted]"`) {
		t.Errorf("an access key in JSON is %s, %v", text, err)
	}
}

func TestSecretsAreNotLogged(t *testing.T) {
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		for what, value := range whatHoldsSecrets() {
			var log bytes.Buffer
			slog.New(handler(&log)).With("with", value).WithGroup("group").Info("message", "value", value)
			if leaks(log.String()) {
				t.Errorf("%s in a %s log: %s", what, name, log.String())
			}
		}
		var log bytes.Buffer
		slog.New(handler(&log)).Info("message", "secret", canarySecret())
		if !strings.Contains(log.String(), "[redacted]") {
			t.Errorf("a %s log says %s", name, log.String())
		}
	}
}

func TestASecretCanBeRevealed(t *testing.T) {
	if got := canarySecret().Reveal(); string(got) != canary {
		t.Errorf("it is %q", got)
	}
	for name, empty := range map[string]Secret{"zero": {}, "nil": NewSecret(nil), "no bytes": NewSecret([]byte{})} {
		if !empty.Empty() || len(empty.Reveal()) != 0 || fmt.Sprint(empty) != "[redacted]" {
			t.Errorf("the %s secret is not empty", name)
		}
	}
	if canarySecret().Empty() {
		t.Error("a secret counts as none")
	}
}
