package admin

import (
	"math"
	"time"

	"chancery"
)

// AuditPart is which lines of a log a reading within a number of them has looked
// through: all that the query picks among them were given.
type AuditPart struct {
	// From and To are the numbers of the oldest and the newest of these lines, Since the
	// time of the oldest.
	From  int64     `json:"from"`
	To    int64     `json:"to"`
	Since time.Time `json:"since"`
	// Older and Newer: there are lines before and after these.
	Older bool `json:"older"`
	Newer bool `json:"newer"`
}

// auditEdges are the numbers of the first and last line that an account has.
type auditEdges struct{ first, last int64 }

// edgesOf finds them; ok is false for a log without lines.
func edgesOf(tx chancery.Tx, account chancery.AccountID) (edges auditEdges, ok bool, err error) {
	oldest, err := tx.AuditLines(account, chancery.AuditFilter{Most: 1})
	if err != nil || len(oldest) == 0 {
		return edges, false, err
	}
	newest, err := tx.AuditLines(account, chancery.AuditFilter{Before: math.MaxInt64, Most: 1})
	if err != nil || len(newest) == 0 {
		return edges, false, err
	}
	return auditEdges{oldest[0].Seq, newest[0].Seq}, true, nil
}

// partOf finds the lines that a reading of so many looks through, and has the filter
// pick among them alone. Since numbers have no gap, that bounds the work however long
// the log is and however few lines are picked.
func partOf(tx chancery.Tx, account chancery.AccountID, f *chancery.AuditFilter, within int64) (*AuditPart, error) {
	edges, ok, err := edgesOf(tx, account)
	if err != nil || !ok {
		return nil, err
	}
	part := &AuditPart{From: max(f.After+1, edges.first), To: edges.last}
	if f.Before == 0 {
		part.To = min(part.To, part.From+within-1)
	} else {
		if part.To = min(part.To, f.Before-1); f.Before == math.MaxInt64 && !f.Until.IsZero() {
			if part.To, err = lastBefore(tx, account, f.Until, edges); err != nil {
				return nil, err
			}
		}
		part.From = max(part.From, part.To-within+1)
	}
	f.After, f.Upto = part.From-1, part.To
	part.Older, part.Newer = part.From > edges.first, part.To < edges.last
	return part, nil
}

// lastBefore guesses the number of the last line from before a time by halving. Numbers
// rise with times unless a clock was set back, so this is where to begin to look and no
// more than that: a part says what lies beyond it.
func lastBefore(tx chancery.Tx, account chancery.AccountID, until time.Time, edges auditEdges) (int64, error) {
	low, high := edges.first, edges.last // the answer is one of these
	for low < high {
		middle := low + (high-low+1)/2
		lines, err := tx.AuditLines(account, chancery.AuditFilter{After: middle - 1, Most: 1})
		if err != nil {
			return 0, err
		}
		if len(lines) > 0 && lines[0].At.Before(until) {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low, nil
}

// shorten makes the part end where a reading that gave as many lines as it may stopped.
func (part *AuditPart) shorten(lines []chancery.AuditLine, backward bool) {
	stopped := lines[len(lines)-1].Seq
	if backward {
		part.From, part.Older = stopped, part.Older || stopped > part.From
	} else {
		part.To, part.Newer = stopped, part.Newer || stopped < part.To
	}
}
