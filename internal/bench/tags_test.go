package bench

import (
	"fmt"
	"net/http"
	"testing"

	"chancery"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// BenchmarkTags measures the console's page of tags, and lists narrowed to one, where
// every order has tags: one that all have, one of a hundred, and, in the last accounts,
// one that no other order has.
func BenchmarkTags(b *testing.B) {
	few := func(i int) []chancery.Tag {
		return []chancery.Tag{{Key: "env", Value: "production"}, {Key: "team", Value: fmt.Sprint("team ", i%100)}}
	}
	many := func(i int) []chancery.Tag {
		return append(few(i), chancery.Tag{Key: "ticket", Value: fmt.Sprint(i)})
	}
	for _, account := range []struct {
		name   string
		orders int
		tags   func(int) []chancery.Tag
	}{{"few", 1_000, few}, {"few", 100_000, few}, {"many", 1_000, many}, {"many", 100_000, many}} {
		env := consoletest.New(b, testenv.WithoutWorker())
		fillTagged(b, env.Env, account.orders, account.tags)
		visitor := env.Visit().SignIn(env.Tenant)
		for _, page := range []struct{ name, path string }{
			{"tags", "/console/tags"}, {"tags-last", "/console/tags?FromKey=ticket&FromValue=9"},
			{"orders-of-all", "/console/orders?TagKey=env&TagValue=production"}, {"orders-of-all-deep", "/console/orders?TagKey=env&TagValue=production&page=30"},
			{"orders-of-a-hundredth", "/console/orders?TagKey=team&TagValue=team+7"}, {"orders-of-none", "/console/orders?TagKey=team&TagValue=none"},
			{"orders-searched", "/console/orders?TagKey=env&TagValue=production&Keyword=7.ex"},
			{"certificates-of-all", "/console/certificates?status=ALL&TagKey=env&TagValue=production"},
		} {
			b.Run(fmt.Sprintf("%s-%s/%d", account.name, page.name, account.orders), func(b *testing.B) {
				for b.Loop() {
					if page := visitor.Get(page.path); page.Status != http.StatusOK {
						b.Fatal(page.Body)
					}
				}
			})
		}
		for _, table := range []string{"certificates", "orders", "listed", "list_blocks", "list_texts", "tag_blocks", "tag_uses"} {
			env.SQL("DELETE FROM " + table) // the environment would find orders without proofs
		}
	}
}
