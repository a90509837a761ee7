package dcv

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
	"chancery/internal/zone"
)

// siteZone is a zone in which the host has these IPv4 addresses.
func siteZone(t *testing.T, addrs ...string) *zone.Server {
	t.Helper()
	z := newZone(t)
	z.Set(host, "A", addrs...)
	return z
}

func TestFile(t *testing.T) {
	const path = "http://" + host
	tests := []struct {
		name    string
		handler http.HandlerFunc
		finding chancery.Finding
		detail  string
	}{
		{"the token", say(token), chancery.Seen, ""},
		{"with a line end", say(token + "\n"), chancery.Seen, ""},
		{"with a long line end", say(token + "\r\n"), chancery.Seen, ""},
		{"with two line ends", say(token + "\n\n"), chancery.WrongValue, "but more besides"},
		{"with a carriage return", say(token + "\r"), chancery.WrongValue, "but more besides"},
		{"with a space", say(" " + token), chancery.WrongValue, "but more besides"},
		{"in capital letters", say(strings.ToUpper(token)), chancery.WrongValue, "does not hold"},
		{"a part of it", say(token[:40]), chancery.WrongValue, "does not hold"},
		{"nothing", say(""), chancery.WrongValue, "does not hold"},
		{"another page", say(secret), chancery.WrongValue, "does not hold"},
		{"1 KiB", say(secret + strings.Repeat("x", 1024-len(secret))), chancery.WrongValue, "does not hold"},
		{"a page that is too long", say(token + strings.Repeat("\n", 1024)), chancery.BadAnswer, "more than 1 KiB"},
		{"404 that echoes the token", status(404, token), chancery.BadStatus, "status 404"},
		{"201", status(201, token), chancery.BadStatus, "status 201"},
		{"206", status(206, token), chancery.BadStatus, "status 206"},
		{"303", redirect(303, "/elsewhere"), chancery.BadStatus, "status 303"},
		{"compressed", compressed, chancery.BadAnswer, "compressed"},
		{"endless", endless, chancery.BadAnswer, "more than 1 KiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			port := serve(t, "127.0.0.1:0", test.handler)
			l := newLooker(t, Config{HTTPPort: port}, siteZone(t, "127.0.0.1"))
			_, evidence := look(t, l, chancery.FILE)
			where := fmt.Sprintf("%s:%d%s at 127.0.0.1:%d", path, port, chancery.ProofPath, port)
			expect(t, evidence[0], where, test.finding, test.detail)
			if test.finding == chancery.Seen {
				if len(evidence) != 1 {
					t.Errorf("looked further: %+v", evidence)
				}
				return
			}
			// https is looked at too.
			expect(t, evidence[1], "https://"+host, chancery.NoAnswer, "connection refused")
		})
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func compressed(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	packer := gzip.NewWriter(&body)
	fmt.Fprint(packer, token)
	_ = packer.Close()
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(body.Bytes())
}

func endless(w http.ResponseWriter, _ *http.Request) {
	for {
		if _, err := fmt.Fprint(w, secret); err != nil {
			return
		}
	}
}

// The request is as plain as can be, and names the host as a browser would.
func TestFileRequest(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:2")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:2")
	requests := make(chan *http.Request, 2)
	record := func(w http.ResponseWriter, r *http.Request) {
		requests <- r
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		w.WriteHeader(404)
	}
	plain := serve(t, "127.0.0.1:0", record)
	secure := serveTLS(t, "127.0.0.1:0", record)
	l := newLooker(t, Config{HTTPPort: plain, HTTPSPort: secure}, siteZone(t, "127.0.0.1"))
	_, evidence := look(t, l, chancery.FILE)
	if len(requests) != 2 {
		t.Fatalf("%d requests: %+v", len(requests), evidence)
	}
	for _, port := range []int{plain, secure} {
		r := <-requests
		if r.Method != "GET" || r.RequestURI != chancery.ProofPath || r.Host != fmt.Sprintf("%s:%d", host, port) {
			t.Errorf("%s %s at %s", r.Method, r.RequestURI, r.Host)
		}
		if r.UserAgent() != "Chancery-DCV/1" || r.Header.Get("Connection") != "close" || len(r.Header) != 2 {
			t.Errorf("header %v", r.Header)
		}
		if r.TLS != nil && r.TLS.ServerName != host {
			t.Errorf("server name %q", r.TLS.ServerName)
		}
	}
}

func TestFileOverHTTPS(t *testing.T) {
	plain := serve(t, "127.0.0.1:0", status(404, ""))
	secure := serveTLS(t, "127.0.0.1:0", say(token)) // its certificate is for another name
	l := newLooker(t, Config{HTTPPort: plain, HTTPSPort: secure}, siteZone(t, "127.0.0.1"))
	proved, evidence := look(t, l, chancery.FILE)
	if !proved || len(evidence) != 2 {
		t.Fatalf("proved is %v, evidence %+v", proved, evidence)
	}
	expect(t, evidence[0], "http://", chancery.BadStatus, "")
	expect(t, evidence[1], fmt.Sprintf("https://%s:%d", host, secure), chancery.Seen, "")
}

func TestFileWithoutTLS(t *testing.T) {
	plain := serve(t, "127.0.0.1:0", status(404, secret))
	l := newLooker(t, Config{HTTPPort: plain, HTTPSPort: plain}, siteZone(t, "127.0.0.1"))
	_, evidence := look(t, l, chancery.FILE)
	expect(t, evidence[1], "https://", chancery.NoAnswer, "the TLS handshake failed")
}

func TestFileAddresses(t *testing.T) {
	port := serve(t, "127.0.0.1:0", say(token))
	tests := []struct {
		name    string
		publish func(*zone.Server)
		finding chancery.Finding // of the first evidence
		where   string
		detail  string
	}{
		{"no name", func(*zone.Server) {}, chancery.NoName, "resolver", host + " does not exist"},
		{"no address", func(z *zone.Server) { z.Set(host, "TXT", token) }, chancery.NoRecord, "resolver", host + " has no address"},
		{"SERVFAIL", func(z *zone.Server) { z.Fault(host, zone.ServFail) }, chancery.ServerFailed, "resolver", "SERVFAIL"},
		{"CNAME", func(z *zone.Server) {
			z.Set(host, "CNAME", "site.example.net")
			z.Fault(host, zone.Sever)
			z.Set("site.example.net", "A", "127.0.0.1")
		}, chancery.Seen, "at 127.0.0.1", ""},
		{"an address without an address", func(z *zone.Server) {
			z.Set(host, "A", "127.0.0.1")
			z.Fault(host, zone.Hollow)
		}, chancery.BadAnswer, "resolver", "malformed"},
		{"CNAME to nothing", func(z *zone.Server) { z.Set(host, "CNAME", "gone.example.net") }, chancery.NoName, "resolver", "gone.example.net"},
		{"forbidden", func(z *zone.Server) { z.Set(host, "A", "127.0.0.2") }, chancery.Refusal, "at 127.0.0.2", "127.0.0.2 is not a public address; the operator may allow it with --dcv-allow"},
		{"metadata", func(z *zone.Server) { z.Set(host, "A", "169.254.169.254") }, chancery.Refusal, "at 169.254.169.254:", "where a cloud keeps credentials"},
		{"forbidden IPv6", func(z *zone.Server) { z.Set(host, "AAAA", "::1") }, chancery.Refusal, "at [::1]", "::1 is not a public address"},
		{"one forbidden, one allowed", func(z *zone.Server) { z.Set(host, "A", "10.0.0.1", "127.0.0.1") }, chancery.Seen, "at 127.0.0.1", ""},
		{"IPv4 forbidden, IPv6 mapped and allowed", func(z *zone.Server) {
			z.Set(host, "A", "10.0.0.1")
			z.Set(host, "AAAA", "::ffff:127.0.0.1")
		}, chancery.Seen, "at 127.0.0.1", ""},
		{"mapped and forbidden", func(z *zone.Server) { z.Set(host, "AAAA", "::ffff:127.0.0.2") }, chancery.Refusal, "at 127.0.0.2", "127.0.0.2 is not a public address"},
		{"compatible", func(z *zone.Server) { z.Set(host, "AAAA", "::127.0.0.1") }, chancery.Refusal, "at [::7f00:1]", "not a public address"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			z := newZone(t)
			test.publish(z)
			_, evidence := look(t, newLooker(t, Config{HTTPPort: port}, z), chancery.FILE)
			expect(t, evidence[0], test.where, test.finding, test.detail)
		})
	}
}

// An address that does not answer leaves evidence, and the next one is tried.
func TestFileSecondAddress(t *testing.T) {
	port := serve(t, "127.0.0.1:0", say(token))
	l := newLooker(t, Config{HTTPPort: port, Allow: prefixes("127.0.0.0/8")}, siteZone(t, "127.0.0.9", "127.0.0.1"))
	proved, evidence := look(t, l, chancery.FILE)
	if !proved || len(evidence) != 2 {
		t.Fatalf("proved is %v, evidence %+v", proved, evidence)
	}
	expect(t, evidence[0], "at 127.0.0.9:", chancery.NoAnswer, "connection refused")
	expect(t, evidence[1], "at 127.0.0.1:", chancery.Seen, "")
}

// A name whose record changes after it was resolved (DNS rebinding) gains
// nothing: what was judged is what is dialled, and each hop is judged anew.
func TestFileRebinding(t *testing.T) {
	var inside atomic.Int32
	port := serve(t, "127.0.0.1:0", status(404, ""))
	serve(t, fmt.Sprintf("127.0.0.2:%d", port), func(http.ResponseWriter, *http.Request) { inside.Add(1) })
	z := siteZone(t, "127.0.0.1")
	var asked atomic.Int32
	z.OnQuery(func(name, rrtype string) {
		if rrtype == "A" {
			asked.Add(1)
			z.Set(host, "A", "127.0.0.2")
		}
	})
	_, evidence := look(t, newLooker(t, Config{HTTPPort: port, HTTPSPort: port}, z), chancery.FILE)
	expect(t, evidence[0], "http://"+host, chancery.BadStatus, "")
	expect(t, evidence[0], "at 127.0.0.1:", chancery.BadStatus, "")
	expect(t, evidence[1], "at 127.0.0.2:", chancery.Refusal, "127.0.0.2 is not a public address")
	if asked.Load() != 2 || inside.Load() != 0 {
		t.Errorf("resolved %d times for 2 hops, %d requests went inside", asked.Load(), inside.Load())
	}
}

func TestFileEndsWithContext(t *testing.T) {
	z := siteZone(t, "127.0.0.1")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	began := time.Now()
	proved, evidence := newLooker(t, Config{}, z).Look(ctx, chancery.Validation{Name: host, Method: chancery.FILE, Token: token})
	checkEvidence(t, proved, evidence)
	expect(t, evidence[0], "resolver", chancery.NoAnswer, "called off")
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
}
