package notice

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"chancery"
)

// What is read of an answer, in bytes: chats say in a short JSON text whether they took
// the message.
const (
	maxAnswer = 4 << 10
	maxHeader = 16 << 10
)

// longestAfter bounds how long a receiver may ask to be left alone.
const longestAfter = 24 * time.Hour

// message is what is sent to a webhook.
type message struct {
	url    *url.URL
	header http.Header
	body   []byte
	// judge reads the answer of a receiver that says with status 200 that it failed; nil
	// for others.
	judge func(body []byte, now time.Time) error
}

// compose makes the message of a notice in the target's format.
func compose(n chancery.Notice, to chancery.NoticeTarget, now time.Time) (m message, err error) {
	if m.url, err = chancery.ParseWebhookURL(to.URL); err != nil {
		return m, err
	}
	m.header = http.Header{"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"Chancery-Notice/1"}}
	switch to.Format {
	case chancery.DingTalkFormat:
		err = m.dingTalk(n, to.Secret, now)
	case chancery.FeishuFormat:
		err = m.feishu(n, to.Secret, now)
	case chancery.SlackFormat:
		err = m.slack(n)
	default:
		err = m.generic(n, to.Secret, now)
	}
	return m, err
}

// generic is the format of our own (docs/notices.md), signed as Standard Webhooks says,
// so that their libraries verify it.
func (m *message) generic(n chancery.Notice, secret chancery.Secret, now time.Time) error {
	key, err := chancery.WebhookKey(secret)
	if err != nil {
		return err
	}
	m.body, err = json.Marshal(struct {
		ID      string                `json:"id"`
		Time    time.Time             `json:"time"`
		Kind    chancery.NoticeKind   `json:"kind"`
		Account *chancery.AccountID   `json:"account"` // null: the operator
		Subject string                `json:"subject"`
		Text    string                `json:"text"`
		Fields  chancery.NoticeFields `json:"fields"`
	}{messageID(n), n.At.UTC(), n.Kind, accountOf(n), n.Subject(), n.Text(), n.NoticeFields})
	if err != nil {
		return fmt.Errorf("writing notice %d: %w", n.ID, err)
	}
	timestamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", messageID(n), timestamp, m.body)
	m.header.Set("webhook-id", messageID(n))
	m.header.Set("webhook-timestamp", timestamp)
	m.header.Set("webhook-signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return nil
}

// messageID is the same however often a notice is sent.
func messageID(n chancery.Notice) string { return fmt.Sprintf("notice_%d", n.ID) }

func accountOf(n chancery.Notice) *chancery.AccountID {
	if n.AccountID == chancery.OperatorAccount {
		return nil
	}
	return &n.AccountID
}

// call sends a notice to a webhook.
func (c *Courier) call(ctx context.Context, n chancery.Notice, to chancery.NoticeTarget) error {
	m, err := compose(n, to, c.Clock.Now())
	if err != nil {
		return undelivered(err.Error())
	}
	conn, err := c.connect(ctx, m.url)
	if err != nil {
		return undelivered(err.Error())
	}
	defer func() { _ = conn.Close() }()
	response, err := m.post(ctx, conn)
	if err != nil {
		return undelivered(reason(ctx, err))
	}
	defer func() { _ = response.Body.Close() }()
	// An answer that breaks off, or goes on, says nothing more than its status does.
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return c.judge(response, body, m)
}

// connect opens a connection to the webhook's host, with TLS for https.
func (c *Courier) connect(ctx context.Context, u *url.URL) (net.Conn, error) {
	port := uint16(chancery.WebhookPort(u)) //nolint:gosec // it was checked
	conn, err := c.Dialer.Dial(ctx, u.Hostname(), port, u.Scheme == "http")
	if err != nil || u.Scheme == "http" {
		return conn, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, ServerName: u.Hostname()}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, errors.New(reason(ctx, err))
	}
	return secure, nil
}

// post sends the message on a connection that is open. The transport lives for this one
// request: it can neither dial on its own, nor use a proxy, nor follow a redirect.
func (m *message) post(ctx context.Context, conn net.Conn) (*http.Response, error) {
	given := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	transport := &http.Transport{
		DialContext: given, DialTLSContext: given, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url.String(), bytes.NewReader(m.body))
	if err != nil {
		return nil, err
	}
	request.Header = m.header
	// The transport would send a request with a body that can be read anew a second time.
	request.GetBody = nil
	return transport.RoundTrip(request)
}

// judge says whether the receiver took the message.
func (c *Courier) judge(response *http.Response, body []byte, m message) error {
	now := c.Clock.Now()
	status := response.StatusCode
	switch {
	case status >= 200 && status < 300 && m.judge != nil:
		return m.judge(body, now)
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return undelivered(fmt.Sprintf("status %d: redirects are not followed; give the URL that they lead to", status))
	case status == http.StatusGone:
		return &chancery.UndeliveredError{Reason: "status 410: the receiver is gone", Gone: true}
	}
	return &chancery.UndeliveredError{Reason: fmt.Sprintf("status %d", status), After: after(response, now)}
}

// after is when the receiver wants to be asked again, by its Retry-After.
func after(response *http.Response, now time.Time) (at time.Time) {
	text := response.Header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		at = now.Add(min(time.Duration(min(seconds, 1<<30))*time.Second, longestAfter))
	} else if date, err := http.ParseTime(text); err == nil {
		at = date
	}
	if latest := now.Add(longestAfter); at.After(latest) {
		return latest
	}
	return at
}

// reason puts what went wrong on a connection in words of ours: the error's own may
// hold what the other side sent.
func reason(ctx context.Context, err error) string {
	var network net.Error
	var unknown x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var invalid x509.CertificateInvalidError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return "the delivery was called off"
	case ctx.Err() != nil, errors.As(err, &network) && network.Timeout():
		return "no answer in time"
	case errors.As(err, &unknown):
		return "the host's certificate is of no CA that the service trusts"
	case errors.As(err, &wrongHost):
		return "the host's certificate is for other names"
	case errors.As(err, &invalid), errors.As(err, &certificate):
		return "the host's certificate is not valid"
	case errors.As(err, &record):
		return "the host does not speak TLS on this port"
	}
	return "the connection failed, or was closed before there was an answer"
}
