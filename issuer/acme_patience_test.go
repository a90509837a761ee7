package issuer_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// startFailing runs a CA that fails at everything, and counts.
func startFailing(t *testing.T, asked *atomic.Int64) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write([]byte(`{"type":"urn:ietf:params:acme:error:serverInternal","detail":"down"}`))
	}))
	t.Cleanup(server.Close)
	return server.URL + "/dir"
}

// A CA that does not recover loses the order to the next issuer after ten minutes;
// the last one is given a day.
func TestPatienceWithACAThatFails(t *testing.T) {
	t.Parallel()
	env := testenv.New(t, testenv.WithProducts(chancery.Product{
		Code: chancery.DefaultProduct, Level: chancery.DV, LifetimeDays: 90, KeyAlgorithm: chancery.ECC256, Issuer: "first",
	}))
	var first, second atomic.Int64
	env.Write(func(tx chancery.Tx) error {
		if err := tx.AddACMEIssuer(chancery.ACMEIssuer{Name: "second", Directory: startFailing(t, &second), AllowHTTP: true, CreatedAt: env.Clock.Now()}); err != nil {
			return err
		}
		return tx.AddACMEIssuer(chancery.ACMEIssuer{Name: "first", Directory: startFailing(t, &first), AllowHTTP: true, Fallbacks: []string{"second"}, CreatedAt: env.Clock.Now()})
	})
	env.Grant(chancery.DefaultProduct, 1)
	order := env.Apply("www.example.test")
	if state := env.State(order); !strings.Contains(state.Order.Delay, "serverInternal: down") || state.Order.Issuer != "first" {
		t.Fatalf("the order is delayed by %q at %q", state.Order.Delay, state.Order.Issuer)
	}
	began := env.Clock.Now()
	advance := func(until func(cas.DescribeCertificateStateOutput) bool) (state cas.DescribeCertificateStateOutput) {
		for env.Clock.Now().Before(began.Add(48 * time.Hour)) {
			env.Clock.Advance(time.Minute)
			env.Settle()
			if state = env.State(order); until(state) {
				return state
			}
		}
		t.Fatalf("after two days the order is %s at %s: %s", state.Type, state.Order.Issuer, state.Order.Delay)
		return state
	}
	advance(func(s cas.DescribeCertificateStateOutput) bool { return s.Order.Issuer == "second" })
	if waited := env.Clock.Now().Sub(began); waited < 10*time.Minute || waited > 20*time.Minute {
		t.Errorf("the next issuer took the order after %v", waited)
	}
	if asked := first.Load(); asked < 5 || asked > 40 {
		t.Errorf("the first CA was asked %d times", asked)
	}
	moved := env.Clock.Now()
	state := advance(func(s cas.DescribeCertificateStateOutput) bool { return s.Type == "verify_fail" })
	if waited := env.Clock.Now().Sub(moved); waited < 24*time.Hour || waited > 25*time.Hour || !strings.Contains(state.Reason, "serverInternal: down") {
		t.Errorf("the order failed after %v: %s", waited, state.Reason)
	}
	if asked := second.Load(); asked > 400 {
		t.Errorf("the second CA was asked %d times in a day", asked)
	}
}
