package chancery

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// beginning is when the tests' time starts.
var beginning = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// refusal fails the test unless err has the code and its message holds the text.
func refusal(t *testing.T, err error, code Code, text string) {
	t.Helper()
	if CodeOf(err) != code || !strings.Contains(messageOf(err), text) {
		t.Errorf("the error is %v; want %s with %q", err, code, text)
	}
}

func TestIDsThatClientsSee(t *testing.T) {
	for _, kind := range []struct {
		name      string
		draw      func() int64
		low, high int64
	}{
		{"account", func() int64 { return int64(NewAccountID()) }, 1_000_000_000_000_000, 1 << 53},
		{"order", func() int64 { return int64(NewOrderID()) }, 100_000_000_000, 1 << 53},
		{"certificate", func() int64 { return int64(NewCertificateID()) }, 10_000_000, 1 << 31},
		{"row", NewID, 1, 1 << 53},
	} {
		drawn := map[int64]bool{}
		for range 1000 {
			id := kind.draw()
			if id < kind.low || id >= kind.high {
				t.Errorf("%s id %d is not from %d up to %d", kind.name, id, kind.low, kind.high)
			}
			drawn[id] = true
		}
		if len(drawn) < 999 { // two of 1000 in 2^31 meet once in 4000 runs
			t.Errorf("of 1000 %s ids %d differ", kind.name, len(drawn))
		}
	}
}

func TestANewAccessKey(t *testing.T) {
	shape := regexp.MustCompile(`^CHAN[A-Za-z0-9]{20}$`)
	secretShape := regexp.MustCompile(`^[A-Za-z0-9]{30}$`)
	seen := map[string]bool{}
	for range 200 {
		key := NewAccessKey(7, beginning)
		secret := string(key.Secret.Reveal())
		if !shape.MatchString(key.ID) || !secretShape.MatchString(secret) {
			t.Fatalf("id %q and a secret of %d characters", key.ID, len(secret))
		}
		if key.AccountID != 7 || key.Disabled || !key.CreatedAt.Equal(beginning) {
			t.Errorf("the key is %+v", key)
		}
		if err := CheckAccessKey(key.ID, key.Secret); err != nil {
			t.Errorf("it could not be taken over elsewhere: %v", err)
		}
		seen[key.ID], seen[secret] = true, true
	}
	if len(seen) != 400 {
		t.Errorf("of 400 ids and secrets %d differ", len(seen))
	}
}

func TestAnAccessKeyThatIsTakenOver(t *testing.T) {
	const id, secret = "LTAI4Gtestid", "testsecret-16chr"
	for _, c := range []struct{ name, id, secret, want string }{
		{"sound", id, secret, ""},
		{"id of 8 characters", "a.b_c-D9", secret, ""},
		{"id of 7 characters", "abcdefg", secret, "access key id"},
		{"id of 128 characters", strings.Repeat("a", 128), secret, ""},
		{"id of 129 characters", strings.Repeat("a", 129), secret, "access key id"},
		{"no id", "", secret, "access key id"},
		{"id with a blank", "LTAI 4Gtest", secret, "access key id"},
		{"id with a slash", "LTAI/4Gtest", secret, "access key id"},
		{"id with a line break", "LTAI4Gtest\n", secret, "access key id"},
		{"id in another script", "ключключ", secret, "access key id"},
		{"id with the mark between parts of a place", "LTAI|4Gtest", secret, "access key id"},
		{"secret of 256 characters", id, strings.Repeat("!", 256), ""},
		{"secret of 257 characters", id, strings.Repeat("!", 257), "secret"},
		{"secret of 15 characters", id, "testsecret-15ch", "secret"},
		{"no secret", id, "", "secret"},
		{"secret with a blank", id, "testsecret 16chr", "secret"},
		{"secret with a line break", id, "testsecret-16chr\n", "secret"},
		{"secret with a control character", id, "testsecret-16ch\x7f", "secret"},
		{"secret that is not ASCII", id, "testsecret-16chä", "secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := CheckAccessKey(c.id, NewSecret([]byte(c.secret)))
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			refusal(t, err, InvalidParameter, c.want)
			if c.secret != "" && strings.Contains(err.Error(), c.secret) {
				t.Error("the error holds the secret")
			}
		})
	}
}

// TestRandomTextUsesItsWholeAlphabet: each of 62 characters is missing from 6200
// with a chance of e^-100.
func TestRandomTextUsesItsWholeAlphabet(t *testing.T) {
	text := randomText(alphanumeric, 6200)
	for _, r := range alphanumeric {
		if n := strings.Count(text, string(r)); n < 20 || n > 300 {
			t.Errorf("%q came %d times, 100 are expected", r, n)
		}
	}
}
