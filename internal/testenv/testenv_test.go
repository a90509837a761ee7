package testenv_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The shortest use of the environment, by both methods, with the real client at
// the end.
func TestJourney(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 2)

	order := env.Issue("www.example.test")
	env.Issue("file.example.test", func(in *cas.CreateCertificateRequestInput) { in.ValidateType = "FILE" })

	out, err := env.Client().DescribeCertificateState(context.Background(), cas.DescribeCertificateStateInput{OrderId: order})
	if err != nil || out.Type != "certificate" || out.Certificate == "" || out.PrivateKey == "" {
		t.Errorf("got %+v, %v", out, err)
	}
	if got := env.Quota(""); got.TotalCount != 2 || got.UsedCount != 2 || got.IssuedCount != 2 {
		t.Errorf("quota %+v", got)
	}
}

func TestNothingHappensWhileTheClockStandsStill(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	order := env.Apply("www.example.test")
	env.Publish(order)
	env.Settle()
	if now := env.Order(order); now.State != chancery.DomainVerify {
		t.Errorf("%v before its first look is due", &now)
	}
	env.Clock.Advance(time.Second)
	env.Settle()
	if now := env.Order(order); now.State != chancery.Issued {
		t.Errorf("%v after all work was done", &now)
	}
}

// What a refused call must leave as it was does not change with the service's own rounds.
func TestDumpIsOfTenantsAlone(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	before := env.Dump()
	env.Clock.Advance(24 * time.Hour)
	env.Settle()
	if after := env.Dump(); after != before {
		t.Errorf("a day later:\n%s\nbefore:\n%s", after, before)
	}
}
