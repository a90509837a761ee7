package bench

import (
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
