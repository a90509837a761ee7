package notice

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chancery"
	"chancery/dcv"
	"chancery/internal/zone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

type clock struct{}

func (clock) Now() time.Time { return noon }

// newCourier is a courier as the service makes it, with the test's name server; allow
// are the ranges that the operator opened.
func newCourier(t *testing.T, allow ...string) (*Courier, *zone.Server) {
	t.Helper()
	names, err := zone.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = names.Close() })
	var ranges []netip.Prefix
	for _, text := range allow {
		ranges = append(ranges, netip.MustParsePrefix(text))
	}
	dialer, err := dcv.NewDialer([]string{names.Addr()}, ranges, "--notice-allow")
	if err != nil {
		t.Fatal(err)
	}
	return &Courier{Dialer: dialer, Clock: clock{}}, names
}

// receiver is a local web server.
func receiver(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

func hook(format chancery.WebhookFormat, url, secret string) chancery.NoticeTarget {
	target := chancery.NoticeTarget{ID: 9, AccountID: 1234567890123456, Kind: chancery.WebhookTarget, Format: format, URL: chancery.NewSecret([]byte(url))}
	if secret != "" {
		target.Secret = chancery.NewSecret([]byte(secret))
	}
	return target
}

// someSecret is of the format of Standard Webhooks.
const someSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYq="

// failed is a notice with a reason that strangers wrote.
func failed(reason string) chancery.Notice {
	n := chancery.NewFailedOrder(chancery.Order{
		ID: 4721590088371203, AccountID: 1234567890123456, ProductCode: "digicert-free-1-free",
		Names: chancery.Names{"www.example.test"}, Reason: reason,
	}, noon)
	n.ID = 5530217746120984
	return n
}

func deliver(t *testing.T, c *Courier, n chancery.Notice, to chancery.NoticeTarget) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return c.Deliver(ctx, n, to)
}
