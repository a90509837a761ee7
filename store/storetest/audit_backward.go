package storetest

import (
	"math"
	"testing"

	"chancery"
)

// backwardPicksLines reads a log from its newest line back, and a part of it both ways.
func backwardPicksLines(t *testing.T, s chancery.Store) {
	account, other := newAccount(t, s), newAccount(t, s)
	appendLines(t, s, other, 9)
	appendLines(t, s, account, 6)
	for name, c := range map[string]struct {
		filter chancery.AuditFilter
		want   []int64
	}{
		"all":                     {chancery.AuditFilter{Before: math.MaxInt64}, []int64{6, 5, 4, 3, 2, 1}},
		"at most":                 {chancery.AuditFilter{Before: math.MaxInt64, Most: 2}, []int64{6, 5}},
		"before one":              {chancery.AuditFilter{Before: 4, Most: 2}, []int64{3, 2}},
		"before the first":        {chancery.AuditFilter{Before: 1}, nil},
		"before what is not":      {chancery.AuditFilter{Before: 77}, []int64{6, 5, 4, 3, 2, 1}},
		"after one":               {chancery.AuditFilter{Before: 5, After: 2}, []int64{4, 3}},
		"up to one":               {chancery.AuditFilter{Before: math.MaxInt64, Upto: 3}, []int64{3, 2, 1}},
		"since and until":         {chancery.AuditFilter{Before: math.MaxInt64, Since: at(2), Until: at(5)}, []int64{4, 3, 2}},
		"principal":               {chancery.AuditFilter{Before: math.MaxInt64, Principal: "acs:ram::1:user/ada"}, []int64{6, 4, 2}},
		"access key":              {chancery.AuditFilter{Before: 6, AccessKeyID: "STS.key"}, []int64{4, 2}},
		"action":                  {chancery.AuditFilter{Before: 6, Action: "yundun-cert:ListCsr"}, []int64{5, 3, 1}},
		"resource":                {chancery.AuditFilter{Before: math.MaxInt64, Resource: "order/55", Most: 1}, []int64{5}},
		"request":                 {chancery.AuditFilter{Before: math.MaxInt64, RequestID: "another"}, []int64{6, 4, 2}},
		"key reads":               {chancery.AuditFilter{Before: math.MaxInt64, KeyReads: true}, []int64{6, 4, 2}},
		"refused":                 {chancery.AuditFilter{Before: math.MaxInt64, Refused: true, After: 2}, []int64{6, 4}},
		"contradictory":           {chancery.AuditFilter{Before: math.MaxInt64, Refused: true, Resource: "order/55"}, nil},
		"forward up to one":       {chancery.AuditFilter{Upto: 2}, []int64{1, 2}},
		"forward, a part":         {chancery.AuditFilter{After: 2, Upto: 4}, []int64{3, 4}},
		"forward, picked of some": {chancery.AuditFilter{After: 1, Upto: 5, KeyReads: true}, []int64{2, 4}},
	} {
		t.Run(name, func(t *testing.T) {
			same(t, "the numbers", numbers(answer(t, s, auditLines(account, c.filter))), c.want)
		})
	}
}
