package service

import (
	"context"
	"crypto/tls"
	"net"
	"os"
	"sync"
	"time"
)

// tlsConfig is nil when the API is served over plain HTTP.
func (s *Service) tlsConfig(ctx context.Context, c Config) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	switch {
	case c.TLS != "" && c.TLS != "self":
		return nil, configError("tls", `%q is not "self"`, c.TLS)
	case c.TLS == "self" && c.TLSCert+c.TLSKey != "":
		return nil, configError("tls", "give either --tls self or --tls-cert and --tls-key")
	case c.TLS == "self":
		names, addresses, err := ownNames(c.Listen)
		if err != nil {
			return nil, err
		}
		renewal, err := s.Authority.Renewal(context.WithoutCancel(ctx), names, addresses)
		if err != nil {
			return nil, configError("tls", "%v", err)
		}
		config.GetCertificate = renewal.GetCertificate
	case c.TLSCert != "" && c.TLSKey != "":
		files := &certificateFiles{certificate: c.TLSCert, key: c.TLSKey}
		if _, err := files.get(nil); err != nil {
			return nil, configError("tls-cert", "%v", err)
		}
		config.GetCertificate = files.get
	case c.TLSCert+c.TLSKey != "":
		return nil, configError("tls-cert", "--tls-cert and --tls-key go together")
	default:
		return nil, nil
	}
	return config, nil
}

// ownNames are what clients on this machine or at the listening address call the
// service.
func ownNames(listen string) (names []string, addresses []net.IP, err error) {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, nil, configError("listen", "%v", err)
	}
	names = []string{"localhost"}
	addresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	if ip := net.ParseIP(host); ip != nil {
		if !ip.IsUnspecified() && !ip.IsLoopback() {
			addresses = append(addresses, ip)
		}
	} else if host != "" && host != "localhost" {
		names = append(names, host)
	}
	if own, err := os.Hostname(); err == nil && own != "" && own != "localhost" {
		names = append(names, own)
	}
	return names, addresses, nil
}

// certificateFiles reads certificate and key again when either file changes.
type certificateFiles struct {
	certificate, key string

	mu     sync.Mutex // guards what follows
	loaded *tls.Certificate
	stamp  [2]time.Time
}

func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var stamp [2]time.Time
	for i, name := range []string{f.certificate, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return f.loaded, whenNothing(f.loaded, err)
		}
		stamp[i] = info.ModTime()
	}
	if f.loaded != nil && stamp == f.stamp {
		return f.loaded, nil
	}
	pair, err := tls.LoadX509KeyPair(f.certificate, f.key)
	if err != nil {
		return f.loaded, whenNothing(f.loaded, err) // half a renewal: serve the old pair
	}
	f.loaded, f.stamp = &pair, stamp
	return f.loaded, nil
}

func whenNothing(loaded *tls.Certificate, err error) error {
	if loaded != nil {
		return nil
	}
	return err
}
