package rpc_test

import (
	"strings"
	"testing"

	"chancery/internal/testenv"
)

// What goes wrong inside stays inside: the caller gets a request id, and the log
// the whole text under that id.
func TestInternals(t *testing.T) {
	for _, test := range []struct {
		operation string
		code      string
		status    int
		logged    string // "" when only the code is
	}{
		{"Internal", "InternalError", 500, "no such table: " + inner},
		{"Unlisted", "InternalError", 500, "MadeUp: " + inner},
		{"Panic", "InternalError", 500, "panic: " + inner},
		{"Unwritable", "InternalError", 500, "unsupported type"},
		{"Wrapped", "InvalidParameter", 400, ""},
	} {
		t.Run(test.operation, func(t *testing.T) {
			env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
			for _, f := range formats {
				if test.operation == "Unwritable" && f.xml {
					continue // XML leaves out what it cannot write
				}
				before := len(env.Logged())
				got := env.Signed(test.operation, nil, inLaboratory, f.change)
				check(t, got, test.code, test.status, "")
				if strings.Contains(got.Body, inner) || strings.Contains(got.Body, "goroutine") {
					t.Errorf("%s: internals got out: %s", f.name, got.Body)
				}
				line := env.Logged()[before:]
				if !strings.Contains(line, "request="+got.RequestID()) || !strings.Contains(line, "code="+test.code) {
					t.Errorf("%s: the log has %s", f.name, line)
				}
				if has := strings.Contains(line, test.logged) && strings.Contains(line, "level=ERROR"); has != (test.logged != "") {
					t.Errorf("%s: the log has %s", f.name, line)
				}
			}
			check(t, env.Signed("Echo", nil, inLaboratory), "", 200, "") // the process lives
		})
	}
}

func TestUnavailableSaysWhenToComeBack(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
	got := env.Signed("Unavailable", nil, inLaboratory)
	check(t, got, "ServiceUnavailable", 503, "not now")
	if after := got.Header.Get("x-acs-retry-after"); after != "2000" {
		t.Errorf("x-acs-retry-after is %q milliseconds", after)
	}
	if after := got.Header.Get("Retry-After"); after != "2" {
		t.Errorf("Retry-After is %q seconds", after)
	}
}
