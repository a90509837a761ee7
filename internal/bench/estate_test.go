package bench

import (
	"testing"
	"time"

	"chancery/internal/testenv"
)

// BenchmarkEstate measures what a scrape of the metrics asks of the database, at
// most each 15 seconds, with a hundred thousand orders.
func BenchmarkEstate(b *testing.B) {
	const orders = 100_000
	env := testenv.New(b, testenv.WithoutWorker())
	fill(b, env, orders)
	for b.Loop() {
		if _, err := env.Store.Estate(b.Context(), env.Clock.Now(), []time.Duration{24 * time.Hour, 7 * 24 * time.Hour}); err != nil {
			b.Fatal(err)
		}
	}
	for _, table := range []string{"certificates", "orders", "listed", "list_blocks", "list_texts"} {
		env.SQL("DELETE FROM " + table) // the environment would find orders without proofs
	}
}
