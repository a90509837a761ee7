package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"chancery"
)

var auditLog = []promise{
	{"a line comes back as it was written, numbered and chained", aLineComesBack},
	{"each account's lines are counted from 1, without a gap", func(t *testing.T, s chancery.Store) {
		mine, theirs := newAccount(t, s), newAccount(t, s)
		appendLines(t, s, mine, 3)
		appendLines(t, s, theirs, 2)
		same(t, "my numbers", numbers(linesOf(t, s, mine)), []int64{1, 2, 3})
		same(t, "their numbers", numbers(linesOf(t, s, theirs)), []int64{1, 2})
		audit(t, s)
	}},
	{"a line of a write that fails is not there, and its number is not lost", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		appendLines(t, s, account, 1)
		mine := errors.New("mine")
		refused(t, s, mine, func(tx chancery.Tx) error { return errors.Join(tx.AppendAudit(line(account, 2)), mine) })
		appendLines(t, s, account, 1)
		same(t, "the numbers", numbers(linesOf(t, s, account)), []int64{1, 2})
		audit(t, s)
	}},
	{"an account that does not exist has no log", func(t *testing.T, s chancery.Store) {
		if err := s.Write(context.Background(), func(tx chancery.Tx) error { return tx.AppendAudit(line(404, 1)) }); err == nil {
			t.Error("a line was written")
		}
	}},
	{"many writers at once leave no gap and one chain", manyWritersLeaveNoGap},
	{"a filter picks lines", aFilterPicksLines},
	{"a filter picks lines from the newest back, and in a part of the log", backwardPicksLines},
	{"old lines are forgotten from the old end, and the chain stays sound", oldLinesAreForgotten},
	{"a line is not forgotten before its time, though a later one is older", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		for _, minute := range []int{1, 5, 2} { // somebody set the clock back
			write(t, s, func(tx chancery.Tx) error { return tx.AppendAudit(line(account, minute)) })
		}
		same(t, "how many are forgotten", forget(t, s, account, at(3), 100), 1)
		same(t, "what is left", numbers(linesOf(t, s, account)), []int64{2, 3})
		audit(t, s)
	}},
}

// line is one of a minute; of some fields, every second line has another value.
func line(account chancery.AccountID, minute int) chancery.AuditLine {
	l := chancery.AuditLine{
		AccountID: account, At: at(minute), RequestID: "request", Principal: "acs:ram::1:root", AccessKeyID: "CHANkey",
		Address: "192.0.2.1", Action: "yundun-cert:ListCsr", Resource: "order/55",
	}
	if minute%2 == 0 {
		l.RequestID, l.Principal, l.AccessKeyID, l.Action, l.Resource = "another", "acs:ram::1:user/ada", "STS.key", "yundun-cert:GetCsrDetail", ""
		l.Code, l.KeyRead = "Forbidden.RAM", true
	}
	return l
}

// appendLines writes so many, a minute apart.
func appendLines(t *testing.T, s chancery.Store, account chancery.AccountID, n int) {
	t.Helper()
	for i := range n {
		write(t, s, func(tx chancery.Tx) error { return tx.AppendAudit(line(account, i+1)) })
	}
}

func auditLines(account chancery.AccountID, filter chancery.AuditFilter) func(chancery.Tx) ([]chancery.AuditLine, error) {
	if filter.Most == 0 {
		filter.Most = 1000
	}
	return func(tx chancery.Tx) ([]chancery.AuditLine, error) { return tx.AuditLines(account, filter) }
}

func linesOf(t *testing.T, s chancery.Store, account chancery.AccountID) []chancery.AuditLine {
	t.Helper()
	return answer(t, s, auditLines(account, chancery.AuditFilter{}))
}

func numbers(lines []chancery.AuditLine) (list []int64) {
	for _, l := range lines {
		list = append(list, l.Seq)
	}
	return list
}

func forget(t *testing.T, s chancery.Store, account chancery.AccountID, before time.Time, most int64) (removed int64) {
	t.Helper()
	write(t, s, func(tx chancery.Tx) (err error) {
		removed, err = tx.ForgetAudit(account, before, most)
		return err
	})
	return removed
}

func aLineComesBack(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	first, second := line(account, 1), line(account, 2)
	first.Resource, first.At = "Größe & 会社 'x'\n", start.Add(7*time.Millisecond)
	for _, l := range []chancery.AuditLine{first, second} {
		write(t, s, func(tx chancery.Tx) error { return tx.AppendAudit(l) })
	}
	first.Seq, second.Seq = 1, 2
	first.Hash = first.Chain(nil)
	second.Hash = second.Chain(first.Hash)
	same(t, "the lines", linesOf(t, s, account), []chancery.AuditLine{first, second})
}

func manyWritersLeaveNoGap(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	const writers, each = 16, 10
	mine := errors.New("mine")
	errs := atOnce(writers, func(i int) error {
		for j := range each {
			err := s.Write(context.Background(), func(tx chancery.Tx) error {
				if err := tx.AppendAudit(line(account, i)); err != nil || j%2 == 0 {
					return err
				}
				return mine // half of them fail after their line
			})
			if err != nil && !errors.Is(err, mine) {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	var hash []byte
	lines := linesOf(t, s, account)
	for i, l := range lines {
		if hash = l.Chain(hash); l.Seq != int64(i+1) || !bytes.Equal(hash, l.Hash) {
			t.Fatalf("line %d has the number %d, or does not follow the one before", i+1, l.Seq)
		}
	}
	if len(lines) != writers*each/2 {
		t.Errorf("there are %d lines", len(lines))
	}
	audit(t, s)
}

func aFilterPicksLines(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	appendLines(t, s, account, 4)
	for name, c := range map[string]struct {
		filter chancery.AuditFilter
		want   []int64
	}{
		"all":           {chancery.AuditFilter{}, []int64{1, 2, 3, 4}},
		"since":         {chancery.AuditFilter{Since: at(3)}, []int64{3, 4}},
		"until":         {chancery.AuditFilter{Until: at(3)}, []int64{1, 2}},
		"principal":     {chancery.AuditFilter{Principal: "acs:ram::1:user/ada"}, []int64{2, 4}},
		"access key":    {chancery.AuditFilter{AccessKeyID: "STS.key"}, []int64{2, 4}},
		"action":        {chancery.AuditFilter{Action: "yundun-cert:ListCsr"}, []int64{1, 3}},
		"a part of it":  {chancery.AuditFilter{Action: "yundun-cert:List"}, nil},
		"resource":      {chancery.AuditFilter{Resource: "order/55"}, []int64{1, 3}},
		"request":       {chancery.AuditFilter{RequestID: "another"}, []int64{2, 4}},
		"key reads":     {chancery.AuditFilter{KeyReads: true}, []int64{2, 4}},
		"refused":       {chancery.AuditFilter{Refused: true}, []int64{2, 4}},
		"after":         {chancery.AuditFilter{After: 2}, []int64{3, 4}},
		"at most":       {chancery.AuditFilter{Most: 3}, []int64{1, 2, 3}},
		"several":       {chancery.AuditFilter{Refused: true, Since: at(3), Principal: "acs:ram::1:user/ada"}, []int64{4}},
		"contradictory": {chancery.AuditFilter{Refused: true, Resource: "order/55"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			same(t, "the numbers", numbers(answer(t, s, auditLines(account, c.filter))), c.want)
		})
	}
}

func oldLinesAreForgotten(t *testing.T, s chancery.Store) {
	account, other := newAccount(t, s), newAccount(t, s)
	same(t, "how many of no lines are forgotten", forget(t, s, account, at(9), 100), 0)
	appendLines(t, s, account, 6)
	appendLines(t, s, other, 2)
	for _, step := range []struct {
		before  int // the minute
		most    int64
		removed int64
		left    []int64
	}{
		{1, 100, 0, []int64{1, 2, 3, 4, 5, 6}},
		{5, 1, 1, []int64{2, 3, 4, 5, 6}},
		{5, 2, 2, []int64{4, 5, 6}},
		{5, 2, 1, []int64{5, 6}},
		{5, 2, 0, []int64{5, 6}},
		{99, 100, 2, nil},
		{99, 100, 0, nil},
	} {
		same(t, "how many are forgotten", forget(t, s, account, at(step.before), step.most), step.removed)
		same(t, "what is left", numbers(linesOf(t, s, account)), step.left)
		audit(t, s)
	}
	appendLines(t, s, account, 1)
	same(t, "the next number", numbers(linesOf(t, s, account)), []int64{7})
	same(t, "the other account's", numbers(linesOf(t, s, other)), []int64{1, 2})
	audit(t, s)
}
