package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"chancery"
	"chancery/internal/service"
	"chancery/internal/zone"
)

// demoZone is in a top-level domain that is reserved for tests (RFC 2606).
const demoZone = "example.test"

// demonstration is what an applicant has: a DNS server for a zone, and a web server
// that every name in it leads to, both on loopback. It implements
// console.Demonstration.
type demonstration struct {
	dns  *zone.Server
	web  *http.Server
	addr netip.AddrPort // of the web server
	// serving waits for the web server to end.
	serving sync.WaitGroup

	mu      sync.Mutex // guards what follows
	records map[string][]string
	files   map[string]string // by host and path
}

func startDemonstration(ctx context.Context) (*demonstration, error) {
	dns, err := zone.Start("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, dns.Close())
	}
	d := &demonstration{dns: dns, addr: netip.MustParseAddrPort(listener.Addr().String()), records: map[string][]string{}, files: map[string]string{}}
	const patience = 10 * time.Second
	d.web = &http.Server{Handler: d, ReadHeaderTimeout: patience, WriteTimeout: patience}
	d.serving.Go(func() { _ = d.web.Serve(listener) }) // until Close
	dns.Set(demoZone, "SOA", "ns."+demoZone+" hostmaster."+demoZone+" 1 3600 600 86400 1")
	dns.Set(demoZone, "NS", "ns."+demoZone)
	dns.Set(demoZone, "A", d.addr.Addr().String())
	dns.SetBelow(demoZone, "A", d.addr.Addr().String())
	return d, nil
}

// Close ends both servers.
func (d *demonstration) Close() error {
	err := errors.Join(d.web.Close(), d.dns.Close())
	d.serving.Wait()
	return err
}

// configure has the service look at the demonstration, and offer it in the console.
func (d *demonstration) configure(config *service.Config) {
	config.Resolvers = []string{d.dns.Addr()}
	config.HTTPPort = int(d.addr.Port())
	config.AllowCIDRs = append(config.AllowCIDRs, d.addr.Addr().String())
	config.Demonstration = d
}

// Zone implements console.Demonstration.
func (d *demonstration) Zone() string { return demoZone }

// Publish implements console.Demonstration. What was published before stays: orders of
// one name may wait side by side.
func (d *demonstration) Publish(v chancery.Validation) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if v.Method == chancery.FILE {
		d.files[string(v.Name)+v.Path()] = v.Token
		return nil
	}
	values := d.records[v.Record()]
	if !slices.Contains(values, v.Token) {
		const most = 20 // an answer is to stay small
		values = append(values, v.Token)
		values = values[max(0, len(values)-most):]
	}
	d.records[v.Record()] = values
	d.dns.Set(v.Record(), "TXT", values...)
	return nil
}

// ServeHTTP serves the files that were published.
func (d *demonstration) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	d.mu.Lock()
	content, known := d.files[host+r.URL.Path]
	d.mu.Unlock()
	if !known {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, content) // who went away is not told
}
