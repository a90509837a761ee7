package acme

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// many is how many orders meet each fault: CHANCERY_ACME_ORDERS, and 2 without it.
func many(t *testing.T) int {
	text := os.Getenv("CHANCERY_ACME_ORDERS")
	if text == "" {
		return 2
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

// atOnce is how many orders are under way: Pebble stands still with 16 clients. Of
// those that mostly wait there may be more.
func atOnce(fault string) int {
	if fault == "slow finalization" {
		return 12
	}
	return 4
}

var errCut = errors.New("cut")

const retryAfter = 3 // seconds

// The faults. want is the end of every order; reason is in what the applicant reads
// of it, during or after.
var faults = []struct {
	name         string
	fault        func(p *proxy) fault
	want, reason string
}{
	{"rate limited at the order", limited("new-order"), "certificate", "takes no more orders like this until"},
	{"rate limited at the authorization", limited("authz"), "certificate", "takes no more orders like this until"},
	{"rate limited at finalization", limited("finalize"), "certificate", "takes no more orders like this until"},
	{"closed for a time", func(p *proxy) fault {
		return fault{instead: func(w http.ResponseWriter, c passing) bool {
			if c.kind != "order" || c.n > 1 {
				return false
			}
			w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
			p.shut(c, retryAfter)
			http.Error(w, "closed", http.StatusServiceUnavailable)
			return true
		}}
	}, "certificate", "neither what was asked for nor a problem document"},
	{"server errors at the order", failing("new-order", 2), "certificate", "serverInternal"},
	{"server errors at finalization", failing("finalize", 2), "certificate", "serverInternal"},
	{"server errors at the certificate", failing("certificate", 2), "certificate", "serverInternal"},
	{"web pages", func(*proxy) fault {
		return fault{instead: func(w http.ResponseWriter, c passing) bool {
			if c.kind != "order" || c.n > 2 {
				return false
			}
			w.Header().Set("Content-Type", "text/html")
			_, _ = fmt.Fprint(w, "<html><script>alert(1)</script></html>")
			return true
		}}
	}, "certificate", "its content type is not application/json"},
	{"cut at the order", cut("new-order"), "certificate", "a CA does not answer as it should"},
	{"cut at the challenge", cut("challenge"), "certificate", "a CA does not answer as it should"},
	{"cut at finalization", cut("finalize"), "certificate", "a CA does not answer as it should"},
	{"cut at the certificate", cut("certificate"), "certificate", "a CA does not answer as it should"},
	{"slow finalization", slow, "certificate", "making the certificate"},
	{"a certificate for another key", wrongKey, "verify_fail", "holds another key than the CSR"},
	{"an order that turns invalid once", invalid(1, "serverInternal"), "certificate", ""},
	{"orders that always turn invalid", invalid(1000, "serverInternal"), "verify_fail", "came to nothing twice"},
	{"an order refused for CAA", invalid(1000, "caa"), "verify_fail", "a CAA record of the domain does not let this CA issue"},
	{"a CSR that is refused", refusing("finalize", 400, "badCSR"), "verify_fail", "the CA does not take the CSR"},
	{"a proof that the CA did not find", unproved("unauthorized"), "verify_fail", "found something else than the proof, or none"},
	{"a zone that the CA could not ask", unproved("dns"), "verify_fail", "could not look the domain up in the DNS"},
	{"a web server that the CA did not reach", unproved("connection"), "verify_fail", "could not connect to the domain's web server on port 80"},
	{"terms that the operator has to agree to", refusing("new-order", 403, "userActionRequired"), "verify_fail", "wants the operator to act first"},
	{"a limit that lasts longer than the order", func(*proxy) fault {
		return fault{instead: func(w http.ResponseWriter, c passing) bool {
			if c.kind == "new-order" {
				w.Header().Set("Retry-After", "864000")
				problem(w, 429, "rateLimited", "too many certificates already issued")
			}
			return c.kind == "new-order"
		}}
	}, "verify_fail", "that is later than the order waits for its proof"},
	{"an account that was closed", func(*proxy) fault {
		return fault{instead: func(w http.ResponseWriter, c passing) bool {
			if c.kind == "directory" || c.kind == "nonce" {
				return false
			}
			problem(w, 403, "unauthorized", `Account is not valid, has status "deactivated"`)
			return true
		}}
	}, "verify_fail", "has closed the service's account"},
	{"an order that is gone", func(*proxy) fault {
		lost := map[string]bool{}
		return fault{instead: func(w http.ResponseWriter, c passing) bool {
			if c.kind != "order" || len(lost) >= 1 && !lost[c.subject] {
				return false
			}
			lost[c.subject] = true
			problem(w, 404, "malformed", "No such order")
			return true
		}}
	}, "certificate", ""},
}

// limited refuses the first call for each subject with 429 and Retry-After.
func limited(kind string) func(*proxy) fault {
	return func(p *proxy) fault {
		return fault{instead: func(w http.ResponseWriter, c passing) bool {
			if c.kind != kind || c.n > 1 {
				return false
			}
			w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
			p.shut(c, retryAfter)
			problem(w, 429, "rateLimited", "too many <b>orders</b>")
			return true
		}}
	}
}

func failing(kind string, times int) func(*proxy) fault {
	return func(*proxy) fault {
		return fault{instead: func(w http.ResponseWriter, c passing) bool {
			if c.kind != kind || c.n > times {
				return false
			}
			problem(w, 500, "serverInternal", "down for a moment")
			return true
		}}
	}
}

func refusing(kind string, status int, type_ string) func(*proxy) fault {
	return func(*proxy) fault {
		return fault{instead: func(w http.ResponseWriter, c passing) bool {
			if c.kind != kind {
				return false
			}
			problem(w, status, type_, "no")
			return true
		}}
	}
}

// unproved shows every authorization as one whose proof was not found.
func unproved(kind string) func(*proxy) fault {
	return func(*proxy) fault {
		return fault{after: func(c passing, answer *http.Response) error {
			if c.kind != "authz" || c.n < 2 { // the first is when the order is opened
				return nil
			}
			return edit(answer, func(authorization map[string]any) {
				authorization["status"] = "invalid"
				for _, challenge := range authorization["challenges"].([]any) {
					challenge.(map[string]any)["status"] = "invalid"
					challenge.(map[string]any)["error"] = map[string]any{"type": "urn:ietf:params:acme:error:" + kind, "detail": "so it is", "status": 403}
				}
			})
		}}
	}
}

// cut lets the first call for each subject through and cuts off the answer.
func cut(kind string) func(*proxy) fault {
	return func(*proxy) fault {
		return fault{after: func(c passing, _ *http.Response) error {
			if c.kind == kind && c.n == 1 {
				return errCut
			}
			return nil
		}}
	}
}

// slow shows an order as processing for a time after it was finalized: 60 s in the
// long run, 4 s else.
func slow(p *proxy) fault {
	takes := 4 * time.Second
	if os.Getenv("CHANCERY_ACME_ORDERS") != "" {
		takes = 60 * time.Second
	}
	began := map[string]time.Time{}
	return fault{after: func(c passing, answer *http.Response) error {
		if c.kind != "order" && c.kind != "finalize" {
			return nil
		}
		return edit(answer, func(order map[string]any) {
			if order["status"] != "valid" && order["status"] != "processing" {
				return
			}
			p.mu.Lock()
			defer p.mu.Unlock()
			id := fmt.Sprint(order["finalize"])
			if began[id].IsZero() {
				began[id] = time.Now()
			}
			if time.Since(began[id]) < takes {
				order["status"] = "processing"
				delete(order, "certificate")
				answer.Header.Set("Retry-After", "1")
			}
		})
	}}
}

// wrongKey gives a sound chain for the right name and another key.
func wrongKey(*proxy) fault { return fault{} }

// invalid shows the order as invalid, the first so many orders.
func invalid(times int, kind string) func(*proxy) fault {
	return func(p *proxy) fault {
		struck := map[string]bool{}
		return fault{after: func(c passing, answer *http.Response) error {
			if c.kind != "order" {
				return nil
			}
			return edit(answer, func(order map[string]any) {
				p.mu.Lock()
				defer p.mu.Unlock()
				if !struck[c.subject] && len(struck) >= times*1 {
					return
				}
				struck[c.subject] = true
				order["status"] = "invalid"
				order["error"] = map[string]any{"type": "urn:ietf:params:acme:error:" + kind, "detail": "so it is"}
			})
		}}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for n, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			p := newProxy(t, w.ca)
			i := w.serve(t, p.point)
			spoil := f.fault(p)
			if f.name == "a certificate for another key" {
				spoil = otherChain(t, fmt.Sprintf("f%d", n))
			}
			p.set(spoil)
			orders := make([]int64, 0, many(t))
			for k := range cap(orders) {
				orders = append(orders, i.apply(t, fmt.Sprintf("o%d.f%d.example.test", k, n), []string{"DNS", "FILE"}[k%2]))
				i.w.publish(i.state(t, orders[k]).Proofs) // so that those under way go on side by side
				if k >= atOnce(f.name) {
					i.finish(t, orders[k-atOnce(f.name)])
				}
			}
			read := ""
			issued := 0
			for _, order := range orders {
				state := i.until(t, order, func(s *cas.DescribeCertificateStateOutput) bool {
					read += s.Order.Delay + s.Reason
					return s.Type != "domain_verify" && s.Type != "process"
				})
				if state.Type != f.want {
					t.Errorf("order %d is %s: %s", order, state.Type, state.Reason)
				}
				if state.Type == "certificate" {
					issued++
				}
			}
			// What is over before the Create call ends is in the log alone.
			if read += i.log.String(); !strings.Contains(read, f.reason) {
				t.Errorf("the applicants read nothing of %q, but\n%s", f.reason, tail(read, 2000))
			}
			p.mu.Lock()
			if len(p.early) > 0 {
				t.Errorf("calls before Retry-After: %v", p.early)
			}
			p.mu.Unlock()
			made := strings.Count(w.ca.Log(), "Issued certificate serial")
			if most := len(orders); made > most || f.want == "certificate" && made != issued {
				t.Errorf("the CA made %d certificates for %d orders, of which %d are issued", made, most, issued)
			}
		})
	}
}

// otherChain puts a certificate of somebody else in the place of the CA's.
func otherChain(t *testing.T, zone string) fault {
	chain := testenv.NewChain(t, "o0."+zone+".example.test", time.Now().Add(24*time.Hour))
	return fault{after: func(c passing, answer *http.Response) error {
		if c.kind == "certificate" {
			replace(answer, []byte(chain.Full()))
		}
		return nil
	}}
}

// The directory changes while the service runs: what it said before is of no use.
func TestTheDirectoryChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newProxy(t, w.ca)
	i := w.serve(t, p.point)
	i.issued(t, i.apply(t, "before.example.test", "DNS"), "before.example.test")
	p.set(fault{
		instead: func(w http.ResponseWriter, c passing) bool {
			if c.kind != "new-order" || c.host == p.Listener.Addr().String() && c.n > 2 {
				return false
			}
			http.NotFound(w, nil) // the old place, twice
			return true
		},
	})
	order := i.apply(t, "after.example.test", "DNS")
	i.issued(t, order, "after.example.test")
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls["directory /dir"] == 0 {
		t.Error("the directory was not read again")
	}
}

// An order is withdrawn while the CA makes its certificate: nobody gets that, so it
// is revoked.
func TestWithdrawnWhileTheCAIsAtWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newProxy(t, w.ca)
	i := w.serve(t, p.point)
	p.set(slow(p))
	order := i.apply(t, "withdrawn.example.test", "DNS")
	i.until(t, order, func(s *cas.DescribeCertificateStateOutput) bool {
		return s.Order.Delay == "the CA is making the certificate"
	})
	must(t, i.client.CancelOrderRequest(t.Context(), cas.OrderInput{OrderId: order}))
	must(t, i.client.DeleteCertificateRequest(t.Context(), cas.OrderInput{OrderId: order}))
	now := time.Now().UTC() // the step leaves whoever is at work a minute
	must(t, i.Admin.Store.Write(t.Context(), func(tx chancery.Tx) error {
		return tx.HurryStep(i.First.AccountID, chancery.OrderID(order), chancery.RevokeOrder, now, now)
	}))
	serial := regexp.MustCompile(`Issued certificate serial (\w+)`).FindStringSubmatch(w.ca.Log())
	if serial == nil {
		t.Fatal("the CA made no certificate")
	}
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		revoked, _, err := w.ca.Revoked(t.Context(), serial[1])
		must(t, err)
		if revoked {
			return
		}
		if time.Since(began) > patience {
			t.Fatal("the certificate that nobody has is good")
		}
	}
}

// The applicant is slow: the CA's order expires before the proof is there. It begins
// again once by itself, with another proof, and the old one is of no use.
func TestAnOrderThatExpiresWhileItWaits(t *testing.T) {
	t.Parallel()
	const name = "slow.example.test"
	w := newWorld(t)
	p := newProxy(t, w.ca)
	i := w.serve(t, p.point)
	first, ends := "", time.Now().Add(5*time.Second).UTC()
	p.set(fault{after: func(c passing, answer *http.Response) error {
		if c.kind != "new-order" && c.kind != "order" {
			return nil
		}
		return edit(answer, func(order map[string]any) {
			p.mu.Lock()
			defer p.mu.Unlock()
			id := fmt.Sprint(order["finalize"])
			if first == "" {
				first = id
			}
			if id == first {
				order["expires"] = ends.Format(time.RFC3339)
			}
		})
	}})
	order := i.apply(t, name, "DNS")
	before := i.state(t, order)
	var after *cas.DescribeCertificateStateOutput
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if after = i.state(t, order); after.RecordValue != "" && after.RecordValue != before.RecordValue {
			break
		}
		if time.Since(began) > patience {
			t.Fatalf("the order shows the old proof still: %+v", after)
		}
	}
	state := i.issued(t, order, name)
	found := false
	for _, look := range state.Looks {
		found = found || look.Finding == string(chancery.BeginsAgain) && strings.Contains(look.Detail, "has expired")
	}
	if !found {
		t.Errorf("that it began again is not among the looks: %+v", state.Looks)
	}
}
