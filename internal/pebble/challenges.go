package pebble

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// Challenges is a running challtestsrv: a DNS server that answers 127.0.0.1 for
// every name, and a web server that has what it is told.
type Challenges struct {
	// DNS is its address, HTTPPort where it serves files.
	DNS      string
	HTTPPort int

	management string
	process    *process
}

// StartChallenges runs challtestsrv and waits until it answers.
func StartChallenges(ctx context.Context) (*Challenges, error) {
	return again(func() (*Challenges, error) { return challengesOnce(ctx) })
}

func challengesOnce(ctx context.Context) (*Challenges, error) {
	dir, err := os.MkdirTemp("", "challtestsrv-")
	if err != nil {
		return nil, err
	}
	ports, err := FreePorts(ctx, 3)
	if err != nil {
		return nil, err
	}
	c := &Challenges{DNS: fmt.Sprintf("127.0.0.1:%d", ports[0]), HTTPPort: ports[1], management: fmt.Sprintf("http://127.0.0.1:%d", ports[2])}
	c.process, err = start(ctx, "pebble-challtestsrv", dir, nil, "-dnsserver", c.DNS, "-http01", fmt.Sprintf("127.0.0.1:%d", c.HTTPPort),
		"-https01", "", "-doh", "", "-tlsalpn01", "", "-management", fmt.Sprintf("127.0.0.1:%d", ports[2]), "-defaultIPv6", "")
	if err != nil {
		return nil, err
	}
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := c.post(ctx, "clear-request-history", map[string]string{"host": "none.example.test", "type": "http"})
		if err == nil {
			return c, nil
		}
		select {
		case <-c.process.ended:
			c.Stop()
			return nil, c.process.early()
		case <-ctx.Done():
			c.Stop()
			return nil, fmt.Errorf("challtestsrv does not answer: %w\n%s", err, c.process.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends it.
func (c *Challenges) Stop() { c.process.stop() }

// SetTXT publishes a TXT record.
func (c *Challenges) SetTXT(ctx context.Context, name, value string) error {
	return c.post(ctx, "set-txt", map[string]string{"host": name + ".", "value": value})
}

// AddFile serves a key authorization under its token, for every host.
func (c *Challenges) AddFile(ctx context.Context, token, content string) error {
	return c.post(ctx, "add-http01", map[string]string{"token": token, "content": content})
}

func (c *Challenges) post(ctx context.Context, call string, fields map[string]string) error {
	body, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.management+"/"+call, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("challtestsrv answers %s with HTTP %d: %s", call, response.StatusCode, text)
	}
	return err
}
