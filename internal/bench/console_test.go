package bench

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"chancery"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// BenchmarkPages measures pages of the console, as a browser gets them, in accounts
// with a thousand and with a hundred thousand orders; every third has its certificate.
func BenchmarkPages(b *testing.B) {
	for _, orders := range []int{1_000, 100_000} {
		env := consoletest.New(b, testenv.WithoutWorker())
		fill(b, env.Env, orders)
		visitor := env.Visit().SignIn(env.Tenant)
		for name, path := range map[string]string{
			"overview": "/console/", "orders": "/console/orders", "orders-of-a-product": "/console/orders?ProductCode=" + chancery.DefaultProduct,
			"orders-searched": "/console/orders?Keyword=7.ex", "apply": "/console/apply?Domain=www.example.com",
		} {
			b.Run(fmt.Sprintf("%s/%d", name, orders), func(b *testing.B) {
				for b.Loop() {
					if page := visitor.Get(path); page.Status != http.StatusOK {
						b.Fatal(page.Body)
					}
				}
			})
		}
		for _, table := range []string{"certificates", "orders", "listed", "list_blocks", "list_texts"} {
			env.SQL("DELETE FROM " + table) // the environment would find orders without proofs
		}
	}
}

// BenchmarkAuditPages measures the pages of an audit log of a hundred thousand lines with
// filters that pick all of it, the newest lines alone, the oldest alone, and none.
func BenchmarkAuditPages(b *testing.B) {
	const lines = 100_000
	env := consoletest.New(b, testenv.WithoutWorker())
	fillAudit(b, env.Env, lines)
	visitor := env.Visit().SignIn(env.Tenant)
	for _, page := range []struct{ name, query string }{
		{"all", ""}, {"newest", "resource=order/1"}, {"oldest", "resource=order/2"}, {"none", "resource=order/3"},
		{"none-before", "resource=order/3&before=50000"}, {"none-after", "resource=order/3&after=1000"},
		{"none-since", "resource=order/3&since=2000-01-01"}, {"none-until", "resource=order/3&until=2000-01-01"},
	} {
		b.Run(fmt.Sprintf("%s/%d", page.name, lines), func(b *testing.B) {
			for b.Loop() {
				if page := visitor.Get("/console/operator/audit?" + page.query); page.Status != http.StatusOK {
					b.Fatal(page.Body)
				}
			}
		})
	}
}

// fillAudit writes a log in which the newest hundred lines are about order/1, and the
// oldest hundred about order/2.
func fillAudit(b *testing.B, env *testenv.Env, lines int) {
	b.Helper()
	const batch, some = 1000, 100
	for begin := 0; begin < lines; begin += batch {
		err := env.Store.Write(context.Background(), func(tx chancery.Tx) error {
			for i := begin; i < begin+batch; i++ {
				line := chancery.AuditLine{
					AccountID: env.Account, At: env.Clock.Now(), RequestID: "A1B2C3D4-0000-4000-8000-000000000000", Principal: env.Principal.ARN(),
					AccessKeyID: env.Key.ID, Address: "192.0.2.1", Action: "yundun-cert:DescribeCertificateState", Resource: "order/55",
				}
				switch {
				case i < some:
					line.Resource = "order/2"
				case i >= lines-some:
					line.Resource = "order/1"
				}
				if err := tx.AppendAudit(line); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
