package chancery

import (
	"regexp"
	"strings"
	"testing"
)

var (
	states = []State{Payed, DomainVerify, Process, VerifyFail, Issued, Revoked, Deleted}
	events = []Event{Proved, TimedOut, Refused, Signed, Withdrawn, Removed, Reopened}
)

// TestEveryEventInEveryState is the life of an order as a table, apart from the
// one in order.go: what is not listed must be refused.
func TestEveryEventInEveryState(t *testing.T) {
	life := map[State]map[Event]State{
		DomainVerify: {Proved: Process, TimedOut: VerifyFail, Refused: VerifyFail, Withdrawn: Payed},
		Process:      {Signed: Issued, Refused: VerifyFail, Reopened: DomainVerify, Withdrawn: Payed},
		VerifyFail:   {Removed: Deleted},
		Payed:        {Removed: Deleted},
		Issued:       {},
		Deleted:      {},
	}
	for _, from := range states {
		for _, event := range events {
			order := Order{ID: 7, State: from, Reason: "as before", Version: 3}
			err := order.Apply(event)
			to, possible := life[from][event]
			if !possible {
				refusal(t, err, OrderStateError, "order 7 is in state "+string(from)+", in which it cannot be "+string(event))
				to = from
			} else if err != nil {
				t.Errorf("%s, %s: %v", from, event, err)
			}
			if order.State != to || order.Reason != "as before" || order.Version != 3 {
				t.Errorf("%s, %s: the order is %+v", from, event, order)
			}
		}
	}
}

func TestTransitionsAreSound(t *testing.T) {
	known := func(s State) bool {
		for _, state := range states {
			if s == state {
				return true
			}
		}
		return false
	}
	seen := map[[2]string]bool{}
	for _, row := range Transitions {
		if !known(row.From) || !known(row.To) || row.From == row.To || row.Effect == "" {
			t.Errorf("row %+v", row)
		}
		key := [2]string{string(row.From), string(row.On)}
		if seen[key] {
			t.Errorf("%s has two rows for %s", row.From, row.On)
		}
		seen[key] = true
	}
	reached := map[State]bool{DomainVerify: true} // where an order begins
	for range states {
		for _, row := range Transitions {
			reached[row.To] = reached[row.To] || reached[row.From]
		}
	}
	for _, state := range states {
		if !reached[state] {
			t.Errorf("no order comes to %s", state)
		}
	}
}

func TestNothingHappensInAnUnknownState(t *testing.T) {
	for _, event := range append(events, "", "lost") {
		order := Order{State: "lost"}
		refusal(t, order.Apply(event), OrderStateError, "state lost")
	}
	order := Order{State: DomainVerify}
	refusal(t, order.Apply("eaten"), OrderStateError, "cannot be eaten")
}

func TestOrdersThatWorkGoesOnWith(t *testing.T) {
	for _, state := range states {
		order := Order{State: state}
		if want := state == DomainVerify || state == Process; order.Open() != want {
			t.Errorf("Open is %t in state %s", order.Open(), state)
		}
	}
}

func TestWhoMakesTheKey(t *testing.T) {
	if order := (Order{}); !order.MakesKey() {
		t.Error("the service makes no key without a CSR")
	}
	if order := (Order{CSR: []byte{0x30}}); order.MakesKey() {
		t.Error("the service makes a key beside the applicant's CSR")
	}
}

func TestAnOrderInALog(t *testing.T) {
	order := Order{ID: 7, Names: Names{"*.example.com"}, State: Process, Applicant: Applicant{Phone: "13800000000"}}
	if got := order.String(); got != "order 7 (*.example.com, process)" || strings.Contains(got, "138") {
		t.Errorf("it is %q", got)
	}
}

func TestInstanceIDs(t *testing.T) {
	shape := regexp.MustCompile(`^cas-ivauto-[a-z0-9]{12}$`)
	seen := map[string]bool{}
	for range 500 {
		id := NewInstanceID()
		if !shape.MatchString(id) || seen[id] {
			t.Errorf("instance id %q", id)
		}
		seen[id] = true
	}
}
