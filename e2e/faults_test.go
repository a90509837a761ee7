package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/zone"
)

// faulty is an order that meets a fault, and the places where it does.
type faulty struct {
	t     *testing.T
	s     *service
	name  string
	token atomic.Pointer[string] // nil until it is known
}

func (f *faulty) record() string { return "_dnsauth." + f.name }

// page has the order's host answer by a handler.
func (f *faulty) page(handler http.HandlerFunc) {
	f.s.dns.Set(f.name, "A", "127.0.0.1")
	f.s.web.set(f.name, handler)
}

// fault is one way in which a proof fails, and what the applicant must be told.
type fault struct {
	name    string
	make    func(f *faulty)
	mend    func(f *faulty) // what must be undone before the proof is published, if anything
	finding chancery.Finding
	detail  string
}

var dnsFaults = []fault{
	{"NXDOMAIN", func(*faulty) {}, nil, chancery.NoName, "does not exist"},
	{"wrong value", func(f *faulty) { f.s.dns.Set(f.record(), "TXT", "something else") }, nil, chancery.WrongValue, `found "something else"`},
	{"SERVFAIL", answering(zone.ServFail), answering(zone.None), chancery.ServerFailed, "SERVFAIL"},
	{"silence", answering(zone.Silent), answering(zone.None), chancery.NoAnswer, "no answer in time"},
	{"CNAME loop", makeLoop, breakLoop, chancery.BadAnswer, "CNAME loop"},
}

func answering(with zone.Fault) func(*faulty) {
	return func(f *faulty) { f.s.dns.Fault(f.record(), with) }
}

func makeLoop(f *faulty) {
	f.s.dns.Set(f.record(), "CNAME", "loop."+f.name)
	f.s.dns.Set("loop."+f.name, "CNAME", f.record())
}

func breakLoop(f *faulty) { f.s.dns.Set(f.record(), "CNAME") }

// bodySecret stands in every page that is not the proof; neither evidence nor
// log may repeat it.
const bodySecret = "zebra-stripes"

var fileFaults = []fault{
	{"wrong body", saying(http.StatusOK), nil, chancery.WrongValue, "does not hold the token"},
	{"404 with the token", echo404, nil, chancery.BadStatus, "status 404"},
	{"redirect to loopback", leadingTo("http://127.0.0.2:PORT/"), nil, chancery.Refusal, "127.0.0.2 is not a public address"},
	{"redirect to metadata", leadingTo("http://169.254.169.254:PORT/latest/meta-data/"), nil, chancery.Refusal, "where a cloud keeps credentials"},
	{"redirect loop", leadingTo(chancery.ProofPath), nil, chancery.BadAnswer, "redirect loop"},
	{"endless body", endless, nil, chancery.BadAnswer, "more than 1 KiB"},
	{"slow bytes", slow, nil, chancery.NoAnswer, "no answer in time"},
}

func saying(status int) func(*faulty) {
	return func(f *faulty) {
		f.page(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, bodySecret, status) })
	}
}

func echo404(f *faulty) {
	f.page(func(w http.ResponseWriter, _ *http.Request) {
		text := bodySecret
		if token := f.token.Load(); token != nil {
			text = *token
		}
		http.Error(w, text, http.StatusNotFound)
	})
}

// leadingTo redirects; PORT stands for the port of the web server.
func leadingTo(location string) func(*faulty) {
	return func(f *faulty) {
		location := strings.ReplaceAll(location, "PORT", f.s.web.httpPort)
		f.page(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
			_, _ = io.WriteString(w, bodySecret)
		})
	}
}

func endless(f *faulty) {
	f.page(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, bodySecret+"\n"); err != nil {
				return
			}
		}
	})
}

func slow(f *faulty) {
	f.page(func(w http.ResponseWriter, r *http.Request) {
		every := time.NewTicker(50 * time.Millisecond)
		defer every.Stop()
		w.Header().Set("Content-Length", "1000") // so that it never ends by itself
		for {
			_, _ = io.WriteString(w, "z")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-every.C:
			case <-r.Context().Done():
				return
			}
		}
	})
}

// While a fault lasts the order waits and its evidence names the fault; once it
// is gone the order is issued.
func TestFaults(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	who := s.tenant(t, chancery.DefaultProduct, 50)
	guard(t, "127.0.0.2:"+s.web.httpPort)
	t.Run("all", func(t *testing.T) { // ends before the guard goes home
		for method, faults := range map[string][]fault{"DNS": dnsFaults, "FILE": fileFaults} {
			for i, fault := range faults {
				t.Run(method+" "+fault.name, func(t *testing.T) {
					t.Parallel()
					f := &faulty{t: t, s: s, name: fmt.Sprintf("%s%d.fault.test", strings.ToLower(method), i)}
					f.meet(who, method, fault)
				})
			}
		}
	})
	if strings.Contains(s.stderr.String(), bodySecret) {
		t.Error("the log repeats a page")
	}
}

func (f *faulty) meet(who tenant, method string, fault fault) {
	t := f.t
	fault.make(f)
	order := who.apply(t, f.name, method)
	state := who.state(t, order)
	proof := proof{state.Type, state.ValidateType, state.RecordDomain, state.RecordType, state.RecordValue, state.Domain, state.Uri, state.Content}
	token := proof.RecordValue + proof.Content // one of them is empty
	f.token.Store(&token)

	var last string
	eventually(t, fmt.Sprintf("evidence says %q and %q", fault.finding, fault.detail), func() bool {
		state = who.state(t, order)
		last = evidence(t, state)
		return found(state, fault.finding, fault.detail)
	})
	if state.Type != "domain_verify" {
		t.Errorf("the order is in state %s", state.Type)
	}
	if strings.Contains(last, bodySecret) || strings.Contains(last, token) {
		t.Errorf("the evidence repeats a page: %s", last)
	}
	if fault.mend != nil {
		fault.mend(f)
	}
	f.s.publish(t, proof)
	if state = who.issued(t, order); !found(state, chancery.Seen, "") {
		t.Errorf("no look saw the proof: %s", evidence(t, state))
	}
}

func found(state *cas.DescribeCertificateStateOutput, finding chancery.Finding, detail string) bool {
	for _, look := range state.Looks {
		if look.Finding == string(finding) && strings.Contains(look.Detail, detail) {
			return true
		}
	}
	return false
}

func evidence(t *testing.T, state *cas.DescribeCertificateStateOutput) string {
	t.Helper()
	text, err := json.Marshal(state.Looks)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// guard listens where nobody may come.
func guard(t *testing.T, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Logf("no guard on %s: %v", address, err) // not every system has this address
		return
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
			t.Errorf("somebody came to %s", address)
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		watching.Wait()
	})
}

// What looks like a fault and is none: an answer that is too long for UDP, and a
// record that stands elsewhere.
func TestDetours(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	who := s.tenant(t, chancery.DefaultProduct, 5)
	for name, publish := range map[string]func(record, value string){
		"marked as truncated": func(record, value string) {
			s.dns.Fault(record, zone.Truncate)
			s.dns.Set(record, "TXT", value)
		},
		"too long": func(record, value string) {
			values := []string{value}
			for i := range 20 {
				values = append(values, fmt.Sprint(i, strings.Repeat("x", 200)))
			}
			s.dns.Set(record, "TXT", values...)
		},
		"CNAME": func(record, value string) {
			s.dns.Set(record, "CNAME", "proofs.example.net")
			s.dns.Set("proofs.example.net", "TXT", value)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			order := who.apply(t, strings.ReplaceAll(strings.ToLower(name), " ", "-")+".detour.test", "DNS")
			state := who.state(t, order)
			publish(state.RecordDomain, state.RecordValue)
			who.issued(t, order)
		})
	}
}

// A record that comes late and wrong at first is seen in the end, and the
// applicant can read every look on the way.
func TestLateRecord(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	who := s.tenant(t, chancery.DefaultProduct, 1)
	s.dns.Set("_dnsauth.late.example.test", "A", "192.0.2.1") // the name exists, its record does not
	order := who.apply(t, "late.example.test", "DNS")
	state := who.state(t, order)
	wait := func(finding chancery.Finding) {
		eventually(t, fmt.Sprintf("a look comes to %q", finding), func() bool { return found(who.state(t, order), finding, "") })
	}
	wait(chancery.NoRecord)
	s.dns.Set(state.RecordDomain, state.RecordType, "not-yet")
	wait(chancery.WrongValue)
	s.dns.Set(state.RecordDomain, state.RecordType, "not-yet", state.RecordValue)
	who.issued(t, order)

	var findings []string
	for _, look := range who.state(t, order).Looks {
		findings = append(findings, look.Finding)
		if look.Count < 1 || look.Time == 0 || !strings.HasPrefix(look.Where, "resolver 127.0.0.1:") {
			t.Errorf("the look does not say when, where and how often: %+v", look)
		}
	}
	if got, want := strings.Join(findings, ", "), "no record, wrong value, seen"; got != want {
		t.Errorf("the findings are %s, want %s", got, want)
	}
	shown := finish(t, s.signedIn(who.key), program, "status", fmt.Sprint(order), "--verbose")
	inOrder(t, shown.stdout, "issued", "Looks at the proof", "no record", `wrong value (found "not-yet")`, "seen")
}

// inOrder checks that a text holds the parts one after another.
func inOrder(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			t.Errorf("%q does not follow in:\n%s", part, text)
			return
		}
		rest = after
	}
}
