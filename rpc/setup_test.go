package rpc_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chancery"
	"chancery/internal/testenv"
	"chancery/signature"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// change is one step of making a request what a test wants.
type change = func(*testenv.Request)

// way is one of the ways in which real clients call.
type way struct {
	name   string
	change change
}

var ways = []way{
	{"V1 by GET, all in the query", v1(http.MethodGet, testenv.InQuery, "HMAC-SHA1")},
	{"V1 by POST, all in the query", v1(http.MethodPost, testenv.InQuery, "HMAC-SHA256")},
	{"V1 by POST, all in the form", v1(http.MethodPost, testenv.InForm, "HMAC-SHA1")},
	{"V1 by POST, split", v1(http.MethodPost, testenv.Split, "HMAC-SHA256")},
	{"V3 by GET, all in the query", v3(http.MethodGet, testenv.InQuery)},
	{"V3 by POST, all in the query", v3(http.MethodPost, testenv.InQuery)},
	{"V3 by POST, all in the form", v3(http.MethodPost, testenv.InForm)},
}

func v1(verb string, place testenv.Place, method string) change {
	return func(r *testenv.Request) {
		r.Options.Scheme, r.Options.Format, r.Options.Method = signature.V1, "JSON", method
		r.Verb, r.Place = verb, place
	}
}

func v3(verb string, place testenv.Place) change {
	return func(r *testenv.Request) { r.Verb, r.Place = verb, place }
}

// v1Get and v3Post stand for their scheme where the way does not matter.
var (
	v1Get  = v1(http.MethodGet, testenv.InQuery, "HMAC-SHA1")
	v3Post = v3(http.MethodPost, testenv.InForm)
)

// tamper changes the request once it is signed, after earlier tampering.
func tamper(f func(*testenv.Wire)) change {
	return func(r *testenv.Request) {
		before := r.Tamper
		r.Tamper = func(w *testenv.Wire) {
			if before != nil {
				before(w)
			}
			f(w)
		}
	}
}

func together(changes ...change) change {
	return func(r *testenv.Request) {
		for _, c := range changes {
			c(r)
		}
	}
}

func remove(names ...string) change {
	return tamper(func(w *testenv.Wire) {
		for _, name := range names {
			w.Remove(name)
		}
	})
}

func replace(name, value string) change {
	return tamper(func(w *testenv.Wire) { w.Replace(name, value) })
}

// header sets a header after signing; "" removes it.
func header(name, value string) change {
	return tamper(func(w *testenv.Wire) {
		if w.Header.Del(name); value != "" {
			w.Header.Set(name, value)
		}
	})
}

func at(offset time.Duration) change {
	return func(r *testenv.Request) { r.Options.Time = r.Options.Time.Add(offset) }
}

// version is that of the laboratory, a product mounted beside cas.
const version = "2000-01-01"

// laboratory says back what it is told, and fails in every way an operation can.
func laboratory() chancery.API {
	return chancery.API{Product: "laboratory", Version: version, Operations: []chancery.Operation{
		chancery.Bind("Echo", chancery.AccessGet, "", func(_ context.Context, caller chancery.Caller, in *echoInput) (*echoOutput, error) {
			return &echoOutput{
				Text: in.Text, Yes: true, Number: in.Number, List: in.List,
				Rows: []row{{Key: "a", Value: 1}, {Key: "b"}}, Account: int64(caller.AccountID),
			}, nil
		}),
		chancery.Bind("Demand", chancery.AccessGet, "", func(context.Context, chancery.Caller, *demandInput) (*struct{}, error) {
			return &struct{}{}, nil
		}),
		failing("Internal", func() error { return errors.New("no such table: " + inner) }),
		failing("Wrapped", func() error {
			return &chancery.Error{Code: chancery.InvalidParameter, Message: "Text: too blue", Err: errors.New(inner)}
		}),
		failing("Unlisted", func() error { return chancery.Errorf("MadeUp", "%s", inner) }),
		failing("Unavailable", func() error { return chancery.Errorf(chancery.ServiceUnavailable, "not now") }),
		failing("Panic", func() error { panic(inner) }),
		chancery.Bind("Unwritable", chancery.AccessGet, "", func(context.Context, chancery.Caller, *struct{}) (*unwritable, error) {
			return &unwritable{F: func() {}}, nil
		}),
	}}
}

// inner is what no caller may see.
const inner = "zebra-stripes"

type (
	echoInput struct {
		Text   string
		Number int64
		List   []string
	}
	echoOutput struct {
		Text    string
		Absent  string `json:",omitempty" xml:",omitempty"`
		Yes     bool
		Number  int64
		List    []string
		Rows    []row
		Account int64
	}
	row struct {
		Key   string
		Value int64 `json:",omitempty" xml:",omitempty"`
	}
	demandInput struct {
		Text   string `api:"required"`
		Number int64
	}
	unwritable struct{ F func() }
)

func failing(name string, fail func() error) chancery.Operation {
	return chancery.Bind(name, chancery.AccessGet, "", func(context.Context, chancery.Caller, *struct{}) (*struct{}, error) {
		return nil, fail()
	})
}

// inLaboratory has the request call an operation of the laboratory.
func inLaboratory(r *testenv.Request) { r.Options.Version = version }

// check compares the outcome of a call; code "" means success, and says is a part
// of the message.
func check(t *testing.T, got testenv.Answer, code string, status int, says string) {
	t.Helper()
	if got.Code() != code || got.Status != status {
		t.Errorf("got %d %q, want %d %q: %s", got.Status, got.Code(), status, code, got.Body)
	}
	if message := got.Message(); !contains(message, says) {
		t.Errorf("the message is %q; want %q in it", message, says)
	}
}
