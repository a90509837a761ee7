// Package zone is a small authoritative DNS server that answers from memory and
// fails on demand. Tests look at proofs through it, and so does the quickstart,
// where no other DNS server knows the names.
//
// One Server holds all zones at once: it answers as if it were the root, so a
// name that was never set does not exist. It asks nobody else, knows no
// delegations and no DNSSEC, and of wildcards what SetBelow does.
package zone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/miekg/dns"
)

// Server is a running DNS server on UDP and TCP. Its methods may be called from
// any goroutine, also while it answers.
type Server struct {
	addr     string
	udp, tcp *dns.Server
	serving  sync.WaitGroup // the two goroutines that serve

	mu      sync.RWMutex                     // guards what follows
	records map[string]map[uint16][]dns.RR   // by canonical name and type; no empty entries
	below   map[string]map[uint16][]dns.RR   // likewise; for names below that have none of the type
	faults  map[string]Fault                 // by canonical name
	watch   func(name string, rrtype string) // or nil
}

// portTries is how often Start looks for a port that is free on UDP and on TCP.
const portTries = 20

// Start listens on addr, an IP address and port such as "127.0.0.1:0", with
// UDP and TCP on the same port; port 0 takes a free one. Close ends the server.
func Start(addr string) (*Server, error) {
	packets, listener, err := listen(addr)
	if err != nil {
		return nil, fmt.Errorf("starting a DNS server on %s: %w", addr, err)
	}
	s := &Server{
		addr:    listener.Addr().String(),
		records: map[string]map[uint16][]dns.RR{},
		below:   map[string]map[uint16][]dns.RR{},
		faults:  map[string]Fault{},
	}
	var ready sync.WaitGroup
	ready.Add(2) // dns.Server cannot be shut down before it has started
	s.udp = &dns.Server{PacketConn: packets, Handler: s, NotifyStartedFunc: ready.Done}
	s.tcp = &dns.Server{Listener: listener, Handler: s, NotifyStartedFunc: ready.Done}
	for _, server := range []*dns.Server{s.udp, s.tcp} {
		// Serving ends with an error only if a socket breaks; then queries go
		// unanswered, which is what the asking side has to cope with anyway.
		s.serving.Go(func() { _ = server.ActivateAndServe() })
	}
	ready.Wait()
	return s, nil
}

// listen binds both sockets. The port that UDP was given may be taken on TCP, so
// with port 0 it tries again.
func listen(addr string) (net.PacketConn, net.Listener, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, nil, err
	}
	for try := 1; ; try++ {
		packets, err := (&net.ListenConfig{}).ListenPacket(context.Background(), "udp", addr)
		if err != nil {
			return nil, nil, err
		}
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", packets.LocalAddr().String())
		if err == nil {
			return packets, listener, nil
		}
		_ = packets.Close()
		if port != "0" || try == portTries || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, nil, err
		}
	}
}

// Addr is where the server listens, as "127.0.0.1:40053".
func (s *Server) Addr() string { return s.addr }

// Set replaces the records of one name and type; without values it removes
// them. The type is "TXT", "A", "CNAME" and so on. Each value is one record in
// the form of a zone file, names being absolute with or without a last dot; a
// TXT value is the plain text, whatever its bytes, and is stored in strings of
// 255. A type or value that DNS does not know is a mistake of the program: Set
// panics.
func (s *Server) Set(name, rrtype string, values ...string) {
	owner, number := dns.CanonicalName(name), dns.StringToType[rrtype]
	if number == dns.TypeNone {
		panic(fmt.Sprintf("zone: no record type %q", rrtype))
	}
	rrs := make([]dns.RR, len(values))
	for i, value := range values {
		rrs[i] = record(owner, rrtype, value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(rrs) > 0 {
		if s.records[owner] == nil {
			s.records[owner] = map[uint16][]dns.RR{}
		}
		s.records[owner][number] = rrs
		return
	}
	delete(s.records[owner], number)
	if len(s.records[owner]) == 0 {
		delete(s.records, owner) // so that the name stops existing
	}
}

// SetBelow has every name below a domain answer with records of a type, unless it has
// some of its own: an address for all hosts of a zone. Values are those of Set.
func (s *Server) SetBelow(domain, rrtype string, values ...string) {
	owner, number := dns.CanonicalName(domain), dns.StringToType[rrtype]
	rrs := make([]dns.RR, len(values))
	for i, value := range values {
		rrs[i] = record(owner, rrtype, value)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.below[owner] = map[uint16][]dns.RR{number: rrs}
}

func record(owner, rrtype, value string) dns.RR {
	if rrtype == "TXT" {
		return &dns.TXT{Hdr: header(owner, dns.TypeTXT), Txt: charStrings(value)}
	}
	rr, err := dns.NewRR(fmt.Sprintf("%s %d IN %s %s", owner, ttl, rrtype, value))
	if err != nil || rr == nil {
		panic(fmt.Sprintf("zone: %s %s cannot be %q: %v", owner, rrtype, value, err))
	}
	return rr
}

// charStrings splits text into the strings of at most 255 bytes that a TXT
// record consists of (RFC 1035, 3.3.14). The library reads a backslash as the
// start of an escape.
func charStrings(text string) []string {
	parts := []string{}
	for part := range slices.Chunk([]byte(text), 255) {
		parts = append(parts, strings.ReplaceAll(string(part), `\`, `\\`))
	}
	if len(parts) == 0 {
		return []string{""}
	}
	return parts
}

// OnQuery has f called for every query with its name (lower case, no last dot)
// and type, when the answer is made up but not yet sent: what f changes shows
// in the next answer. f must not call Close; nil ends it.
func (s *Server) OnQuery(f func(name, rrtype string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

// Close ends the server and all its goroutines before it returns. A second call
// gives an error.
func (s *Server) Close() error {
	err := errors.Join(s.udp.Shutdown(), s.tcp.Shutdown())
	s.serving.Wait()
	return err
}
