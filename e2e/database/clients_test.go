package database

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/signature"
)

// applicants and readers are 64 together.
const applicants, readers = 48, 16

// ease is about how long an applicant rests between two applications: what is to be
// seen is faults, and each order is to end.
var ease = map[bool]time.Duration{false: 6 * time.Second, true: 2 * time.Second}[torture]

// clients are all that call the nodes, each call at the other node than the last.
type clients struct {
	w    *world
	http *http.Client

	mu      sync.Mutex // guards what follows
	calls   []sample
	orders  []*intention
	strange map[string]int // answers that no fault excuses
}

// sample is one call.
type sample struct {
	began  time.Time
	took   time.Duration
	status int
}

// intention is one application, however often it is sent.
type intention struct {
	key         signature.Credentials
	name, token string
	order       int64 // 0 until it was acknowledged
	published   bool
}

func newClients(w *world) *clients {
	transport := &http.Transport{MaxIdleConnsPerHost: applicants + readers}
	return &clients{w: w, http: &http.Client{Transport: transport, Timeout: 30 * time.Second}, strange: map[string]int{}}
}

// answer is what a call gave. The fields are those of its body.
type answer struct {
	status int
	header http.Header

	RequestId, HostId, Code, Message, Recommend string
	OrderId                                     int64
	Type, RecordDomain, RecordType, RecordValue string
	Certificate                                 string
	UsedCount                                   int64
}

// call sends a request once and measures it. An answer other than 200 and a well-made
// 503 is strange, and so is none.
func (c *clients) call(ctx context.Context, node int, key signature.Credentials, action string, in any) (answer, bool) {
	began := time.Now()
	a, err := c.send(ctx, c.w.nodes[node%2].endpoint, key, action, in)
	took := time.Since(began)
	if err == nil && a.status == http.StatusServiceUnavailable {
		err = a.hint()
	} else if err == nil && a.status != http.StatusOK {
		err = fmt.Errorf("HTTP %d %s: %s", a.status, a.Code, a.Message)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() == nil { // the test did not end the call
		c.calls = append(c.calls, sample{began, took, a.status})
		if err != nil {
			c.strange[action+": "+err.Error()]++
		}
	}
	return a, err == nil && a.status == http.StatusOK
}

// hint is nil when a 503 tells what an official client and a proxy need.
func (a answer) hint() error {
	seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
	millis, acsErr := strconv.Atoi(a.header.Get("X-Acs-Retry-After"))
	switch {
	case err != nil || seconds < 1 || seconds > 10 || acsErr != nil || millis < 1 || millis > 10_000:
		return fmt.Errorf("503 with Retry-After %q and x-acs-retry-after %q", a.header.Get("Retry-After"), a.header.Get("X-Acs-Retry-After"))
	case a.Code != string(chancery.ServiceUnavailable) || a.Message == "" || a.RequestId == "" || a.HostId == "" || a.Recommend == "":
		return fmt.Errorf("503 of the form %+v", a)
	}
	return nil
}

func (c *clients) send(ctx context.Context, endpoint string, key signature.Credentials, action string, in any) (answer, error) {
	parameters := chancery.EncodeParameters(in)
	form := url.Values{}
	for name, value := range parameters {
		form.Set(name, value)
	}
	body := []byte(form.Encode())
	signed := &signature.Request{Method: http.MethodPost, Host: strings.TrimPrefix(endpoint, "http://"), Header: http.Header{}, Query: map[string]string{}, Form: parameters, Body: body}
	if len(parameters) > 0 {
		signed.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err := signature.Sign(signed, key, signature.Options{
		Scheme: signature.V3, Action: action, Version: cas.Version, Nonce: rand.Text(), Time: time.Now(),
	}); err != nil {
		return answer{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header = signed.Header
	response, err := c.http.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{status: response.StatusCode, header: response.Header}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(text, &a)
}

// work has 64 clients apply and read until ctx ends.
func (c *clients) work(ctx context.Context) {
	var all sync.WaitGroup
	for i := range applicants {
		all.Go(func() {
			for ctx.Err() == nil {
				c.journey(ctx, i, c.intend(c.w.keys[i%len(c.w.keys)]))
				rest(ctx, ease/2+time.Duration(i)*ease/applicants)
			}
		})
	}
	for i := range readers {
		all.Go(func() {
			for n := i; ctx.Err() == nil; n++ {
				c.call(ctx, n, c.w.keys[n%len(c.w.keys)], "DescribePackageState", cas.DescribePackageStateInput{})
				rest(ctx, ease/4)
			}
		})
	}
	all.Wait()
}

func (c *clients) intend(key signature.Credentials) *intention {
	one := &intention{key: key, name: strings.ToLower(rand.Text()) + ".faults.test", token: rand.Text()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.orders = append(c.orders, one)
	return one
}

// journey applies until there is an order, and publishes the proof. Each attempt
// is signed anew and waits as long as the 503 before it said, as official clients do.
func (c *clients) journey(ctx context.Context, node int, one *intention) {
	for ; one.order == 0; node++ {
		a, ok := c.call(ctx, node, one.key, "CreateCertificateRequest", cas.CreateCertificateRequestInput{
			Username: "Tom", Phone: "13900001111", Email: "ops@example.com", Domain: one.name, ValidateType: "DNS", ClientToken: one.token,
		})
		if ok {
			one.order = a.OrderId
		} else if !a.wait(ctx) {
			return
		}
	}
	for ; !one.published; node++ {
		a, ok := c.call(ctx, node, one.key, "DescribeCertificateState", cas.DescribeCertificateStateInput{OrderId: one.order})
		if ok {
			c.w.dns.Set(a.RecordDomain, a.RecordType, a.RecordValue)
			one.published = true
		} else if !a.wait(ctx) {
			return
		}
	}
}

// wait is false when there is no time to.
func (a answer) wait(ctx context.Context) bool {
	millis, err := strconv.Atoi(a.header.Get("X-Acs-Retry-After"))
	if err != nil {
		millis = 1000
	}
	return rest(ctx, time.Duration(millis)*time.Millisecond)
}

func rest(ctx context.Context, length time.Duration) bool {
	select {
	case <-time.After(length):
		return true
	case <-ctx.Done():
		return false
	}
}

// settle sends again what was not acknowledged and waits until every order has ended.
func (c *clients) settle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), settleTime)
	defer cancel()
	atOnce(16, c.orders, func(one *intention) { c.journey(ctx, 0, one) })
	for began := time.Now(); ; time.Sleep(250 * time.Millisecond) {
		open := c.w.count(t, "SELECT COUNT(*) FROM orders WHERE certificate_id = 0")
		if open == 0 {
			return
		}
		if time.Since(began) > settleTime {
			t.Fatalf("%d of %d orders have no certificate %v after the fault", open, len(c.orders), settleTime)
		}
	}
}

// check is what must be true of all intentions once they are settled.
func (c *clients) check(t *testing.T) {
	t.Helper()
	for text, times := range c.strange {
		t.Errorf("%d calls: %s", times, text)
	}
	seen := map[int64]bool{}
	for _, one := range c.orders {
		if one.order == 0 || seen[one.order] {
			t.Errorf("the intention for %s has order %d, which is none or another's too", one.name, one.order)
		}
		seen[one.order] = true
	}
	for query, want := range map[string]int{
		"SELECT COUNT(*) FROM orders":                                                           len(c.orders),
		"SELECT COUNT(DISTINCT names) FROM orders":                                              len(c.orders),
		"SELECT COUNT(*) FROM certificates WHERE order_id <> 0":                                 len(c.orders),
		"SELECT COUNT(*) FROM ledger":                                                           len(c.orders),
		"SELECT COALESCE(SUM(used), 0) FROM plans":                                              len(c.orders),
		"SELECT COUNT(*) FROM orders o JOIN ledger l ON l.order_id = o.id WHERE kind = 'debit'": len(c.orders),
	} {
		if got := c.w.count(t, query); got != want {
			t.Errorf("%d intentions, and %s is %d", len(c.orders), query, got)
		}
	}
	errs := make(chan error, len(c.orders))
	atOnce(16, c.orders, func(one *intention) { errs <- c.collect(t.Context(), one) })
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

// collect reads the certificate as its owner does, and sends the application again.
func (c *clients) collect(ctx context.Context, one *intention) error {
	a, ok := c.call(ctx, 1, one.key, "DescribeCertificateState", cas.DescribeCertificateStateInput{OrderId: one.order})
	if !ok {
		return fmt.Errorf("order %d for %s: %+v", one.order, one.name, a)
	}
	block, _ := pem.Decode([]byte(a.Certificate))
	if block == nil {
		return fmt.Errorf("order %d for %s is %s and has no certificate", one.order, one.name, a.Type)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil || !slices.Equal(leaf.DNSNames, []string{one.name}) {
		return errors.Join(fmt.Errorf("the certificate of order %d is not for %s", one.order, one.name), err)
	}
	again := *one
	again.order = 0
	if c.journey(ctx, 0, &again); again.order != one.order {
		return fmt.Errorf("the application for %s was order %d and is order %d now", one.name, one.order, again.order)
	}
	return nil
}

// atOnce does something for all, so many at a time.
func atOnce[T any](most int, all []T, do func(T)) {
	var hands sync.WaitGroup
	next := make(chan T)
	for range most {
		hands.Go(func() {
			for one := range next {
				do(one)
			}
		})
	}
	for _, one := range all {
		next <- one
	}
	close(next)
	hands.Wait()
}
