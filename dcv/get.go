package dcv

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"

	"chancery"
)

// What is read of one answer, in bytes.
const (
	maxBody   = 1 << 10
	maxHeader = 16 << 10
)

// page is all that is kept of the answer to one GET.
type page struct {
	where    string // the URL and the address that answered
	status   int
	location string
	encoded  bool   // by Content-Encoding
	body     []byte // of a 200 only, at most one byte more than maxBody
}

// redirects tells whether the status is a redirect that may be followed (BR
// 3.2.2.4.18; 303 and the others are not among them).
func (p *page) redirects() bool {
	switch p.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// get fetches one page. If there is none, the notes say why; else they are of
// addresses that were tried before.
func (l *Looker) get(ctx context.Context, u *url.URL) (*page, []note) {
	conn, where, notes := l.connect(ctx, u)
	if conn == nil {
		return nil, notes
	}
	defer func() { _ = conn.Close() }()
	p, err := read(ctx, conn, u)
	if err != nil {
		finding, detail := broken(ctx, err)
		return nil, append(notes, note{where, finding, detail})
	}
	p.where = where
	return p, notes
}

// read sends the request on a connection that is already open and reads the
// answer. The transport lives for this one request: it can neither dial on its
// own, nor use a proxy, keep a cookie or a connection, or follow a redirect.
func read(ctx context.Context, conn net.Conn, u *url.URL) (*page, error) {
	given := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	transport := &http.Transport{
		DialContext:            given,
		DialTLSContext:         given,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeader,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "Chancery-DCV/1")
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()

	p := &page{status: response.StatusCode, location: response.Header.Get("Location")}
	if coding := response.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		p.encoded = true
	}
	if p.status == http.StatusOK {
		p.body, err = io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	}
	return p, err
}

// broken puts in words why there is no page. The error's own text stays here:
// it may quote the server, which may be no web server at all.
func broken(ctx context.Context, err error) (chancery.Finding, string) {
	var network net.Error
	switch {
	case ctx.Err() != nil:
		return chancery.NoAnswer, reason(ctx.Err())
	case errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return chancery.NoAnswer, reason(err)
	}
	return chancery.BadAnswer, "the answer is not HTTP, or its header is longer than 16 KiB"
}
