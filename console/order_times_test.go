package console_test

import (
	"fmt"
	"html"
	"regexp"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/console"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// An order's page has the times that the data tell: when the proof was made, when the key
// was, when it failed and when it was withdrawn.
func TestOrderTimes(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 3)
	visitor := env.Visit().SignIn(env.Tenant)
	when := func(order int64, milestone string) string {
		t.Helper()
		body := visitor.Get(fmt.Sprintf("/console/orders/%d", order)).Body
		found := regexp.MustCompile(`<strong>` + milestone + `</strong> (?:<small><time datetime="([^"]*)")?`).FindStringSubmatch(body)
		if found == nil {
			t.Errorf("order %d has no milestone %q", order, milestone)
			return ""
		}
		return found[1]
	}
	text := func(key string) string {
		return regexp.QuoteMeta(html.EscapeString(console.Messages("en")["milestone."+key]))
	}
	told, key, failed, withdrawn := text("told"), text("keyReady"), text("failed"), text("withdrawn")
	now := func() string { return env.Clock.Now().UTC().Format(time.RFC3339) }

	open := env.Apply("open.example.test")
	if got, want := when(open, told), env.Order(open).CreatedAt.UTC().Format(time.RFC3339); got != want {
		t.Errorf("the proof was made at %q, not %q", got, want)
	}
	made := env.Clock.Now().Add(90 * time.Second)
	env.Write(func(tx chancery.Tx) error {
		return tx.AddOrderKey(chancery.OrderKey{OrderID: chancery.OrderID(open), AccountID: env.Account, Key: chancery.NewSecret([]byte("key")), CSR: []byte("csr"), CreatedAt: made})
	})
	env.SQL("DELETE FROM steps WHERE kind = $1", string(chancery.PrepareKey))
	if got, want := when(open, key), made.UTC().Format(time.RFC3339); got != want {
		t.Errorf("the key was made at %q, not %q", got, want)
	}

	gone := env.Apply("gone.example.test")
	before := now()
	if answer := env.Call("CancelOrderRequest", cas.OrderInput{OrderId: gone}); answer.Code() != "" {
		t.Fatal(answer.Body)
	}
	if got := when(gone, withdrawn); got < before || got > now() {
		t.Errorf("it was withdrawn at %q, not between %s and %s", got, before, now())
	}

	over := env.Apply("over.example.test")
	at := env.Clock.Now().Add(3 * time.Hour).Truncate(time.Second)
	env.Write(func(tx chancery.Tx) error {
		o, err := tx.Order(env.Account, chancery.OrderID(over))
		if err != nil {
			return err
		}
		return tx.AddNotice(chancery.NewFailedOrder(o, at))
	})
	env.SQL("UPDATE orders SET state = 'verify_fail' WHERE id = $1", over)
	if got, want := when(over, failed), at.UTC().Format(time.RFC3339); got != want {
		t.Errorf("it failed at %q, not %q", got, want)
	}
	env.SQL("DELETE FROM notices")
	if got := when(over, failed); got != "" {
		t.Errorf("without a notice it failed at %q", got)
	}
	env.SQL("UPDATE orders SET state = 'domain_verify' WHERE id = $1", over)
	env.SQL("DELETE FROM order_keys")
}
