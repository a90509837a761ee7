package chancery

import (
	"testing"
	"time"
)

func TestWhenAPlanHasEnded(t *testing.T) {
	for _, c := range []struct {
		name string
		ends time.Time
		want bool
	}{
		{"never", time.Time{}, false},
		{"later", beginning.Add(time.Millisecond), false},
		{"at this moment", beginning, true},
		{"before", beginning.Add(-time.Millisecond), true},
		{"at this moment, in another zone", beginning.In(time.FixedZone("east", 8*60*60)), true},
	} {
		if got := (Plan{ExpiresAt: c.ends}).Expired(beginning); got != c.want {
			t.Errorf("a plan that ends %s has ended: %t", c.name, got)
		}
	}
}

func TestTheSystemClockTellsWhatIsStored(t *testing.T) {
	now := SystemClock{}.Now()
	if now.Location() != time.UTC || now.Nanosecond()%int(time.Millisecond) != 0 || time.Since(now) > time.Minute {
		t.Errorf("it is %s", now)
	}
	if stored := time.UnixMilli(now.UnixMilli()).UTC(); !stored.Equal(now) {
		t.Errorf("%s is stored as %s", now, stored)
	}
}
