package chancery

import (
	"testing"
	"time"
)

// A proof of Chancery's own tells when it was made; what a CA gave does not.
func TestMadeAt(t *testing.T) {
	now := time.Date(2027, 2, 3, 4, 5, 6, 7, time.FixedZone("", 3600))
	own, err := NewValidations(Names{"www.example.com"}, DNS, now)
	if err != nil {
		t.Fatal(err)
	}
	if at := own[0].MadeAt(); !at.Equal(now.Truncate(time.Second)) {
		t.Errorf("it was made at %s", at)
	}
	theirs := own[0]
	theirs.Place = "_acme-challenge.www.example.com"
	for _, v := range []Validation{{}, theirs, {Token: "short"}, {Token: "of a CA, and as long as others"}} {
		if at := v.MadeAt(); !at.IsZero() {
			t.Errorf("%+v was made at %s", v, at)
		}
	}
}
