package work

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chancery"
)

func TestNextLook(t *testing.T) {
	const week = 7 * 24 * time.Hour
	for _, test := range []struct {
		name       string
		age, pause time.Duration
	}{
		{"a new order", 0, 2 * time.Second},
		{"after 20 seconds", 20 * time.Second, 2 * time.Second},
		{"after a minute", time.Minute, 6 * time.Second},
		{"after an hour", time.Hour, 6 * time.Minute},
		{"after 100 minutes", 100 * time.Minute, 10 * time.Minute},
		{"after days", 5 * 24 * time.Hour, 10 * time.Minute},
		{"five minutes before the end", week - 5*time.Minute, 5 * time.Minute},
		{"a moment before the end", week - time.Millisecond, time.Second},
		{"after the end", week + time.Hour, 10 * time.Minute},
	} {
		if got := nextLook(test.age, week-test.age); got != test.pause {
			t.Errorf("%s: the pause is %v, want %v", test.name, got, test.pause)
		}
	}
}

func TestBackoffGrowsAndIsCapped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attempts := rapid.Int64Range(1, 1<<40).Draw(t, "attempts")
		wanted := min(time.Second<<min(attempts, 20), 5*time.Minute)
		if got := backoff(attempts); got < wanted-wanted/4 || got > wanted+wanted/4 {
			t.Errorf("after %d attempts the pause is %v, want about %v", attempts, got, wanted)
		}
	})
}

// What a dead process had in hand is begun by another within 10 s: its lease may have
// been renewed just before, and whoever is idle has just looked.
func TestADeadWorkersStepsAreSoonFree(t *testing.T) {
	const promised, claiming = 10 * time.Second, time.Second
	if leaseTime+idlePause+claiming > promised {
		t.Errorf("a lease of %v and a pause of %v leave no time to claim within %v", leaseTime, idlePause, promised)
	}
	if pause := leaseTime / renewals; 3*pause >= leaseTime {
		t.Errorf("with a renewal every %v a lease of %v is lost when two in a row fail", pause, leaseTime)
	}
}

// While keys are made for orders, none is made ahead; the database is not even asked.
func TestNoKeyIsMadeAheadWhileAnOrderWaitsForOne(t *testing.T) {
	w := &Worker{ReadyKeys: 1, Catalogue: chancery.DefaultCatalogue()}
	w.start()
	w.makers <- struct{}{}
	if algorithm := w.lackingKey(context.Background()); algorithm != "" {
		t.Errorf("a key of %s is lacking", algorithm)
	}
}
