package notice

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"mime"
	"net"
	"net/netip"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"chancery"
)

// SMTP is the server that takes the service's mail.
type SMTP struct {
	host, port string
	implicit   bool // TLS from the start, else by STARTTLS
	plain      bool // no TLS: the server is this machine
	user       string
	password   chancery.Secret
	from       string
	roots      *tls.Config // nil: the system's
}

// ParseSMTP reads how mail is sent:
//
//	smtps://user@mail.example.com:465          TLS from the start
//	smtp+starttls://user@mail.example.com:587  TLS by STARTTLS, or nothing is sent
//	smtp://127.0.0.1:25                        no TLS, to this machine alone
//
// from is the address that the mail is of. The password, where there is a user, stands
// elsewhere than in the URL, which others can see.
func ParseSMTP(text string, password chancery.Secret, from string) (*SMTP, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("write it as smtps://user@mail.example.com:465 or smtp+starttls://user@mail.example.com:587")
	}
	if _, has := u.User.Password(); has {
		return nil, errors.New("the URL must not hold the password, which others could see; put it into the environment as CHANCERY_SMTP_PASSWORD")
	}
	s := &SMTP{host: u.Hostname(), port: u.Port(), user: u.User.Username(), password: password, from: from}
	switch u.Scheme {
	case "smtps":
		s.implicit, s.port = true, orElse(s.port, "465")
	case "smtp+starttls":
		s.port = orElse(s.port, "587")
	case "smtp":
		s.plain, s.port = true, orElse(s.port, "25")
		if !thisMachine(s.host) {
			return nil, errors.New("without TLS mail is handed to this machine alone, as smtp://127.0.0.1:25; else write smtps:// or smtp+starttls://")
		}
	default:
		return nil, fmt.Errorf("%q is none of smtps, smtp+starttls and smtp", u.Scheme)
	}
	switch {
	case (s.user == "") != password.Empty():
		return nil, errors.New("a user in the URL and CHANCERY_SMTP_PASSWORD go together")
	case !chancery.IsMailAddress(from):
		return nil, fmt.Errorf("--smtp-from: %q is not a mail address such as chancery@example.com", from)
	}
	return s, nil
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func thisMachine(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// send hands a notice to the server, for all addresses of the target in one message. An
// address that the server refuses for good does not keep the others from theirs.
func (s *SMTP) send(ctx context.Context, n chancery.Notice, to chancery.NoticeTarget, now time.Time) error {
	client, err := s.open(ctx)
	if err != nil {
		return smtpReason(ctx, "connecting to the mail server", err)
	}
	defer func() { _ = client.Close() }()
	if err := s.greet(client); err != nil {
		return smtpReason(ctx, "introducing itself to the mail server", err)
	}
	if err := client.Mail(s.from); err != nil {
		return smtpReason(ctx, "telling the mail server who the mail is from", err)
	}
	taken := 0
	var refusal error
	for _, address := range to.Addresses {
		err := client.Rcpt(address)
		var answer *textproto.Error
		switch {
		case err == nil:
			taken++
		case errors.As(err, &answer) && answer.Code >= 500:
			refusal = err
		default:
			return smtpReason(ctx, "telling the mail server who the mail is for", err)
		}
	}
	if taken == 0 {
		return smtpReason(ctx, "telling the mail server who the mail is for", refusal)
	}
	body, err := client.Data()
	if err == nil {
		_, err = body.Write(s.write(n, to, now))
		err = errors.Join(err, body.Close())
	}
	if err != nil {
		return smtpReason(ctx, "handing over the mail", err)
	}
	_ = client.Quit() // the mail is accepted by now
	return nil
}

// open connects, and ends the connection with ctx.
func (s *SMTP) open(ctx context.Context) (*smtp.Client, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(s.host, s.port))
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	if s.implicit {
		secure := tls.Client(conn, s.tls())
		if err := secure.HandshakeContext(ctx); err != nil {
			stop()
			_ = conn.Close()
			return nil, err
		}
		conn = secure
	}
	client, err := smtp.NewClient(conn, s.host)
	if err != nil {
		stop()
		_ = conn.Close()
	}
	return client, err
}

func (s *SMTP) tls() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.roots != nil {
		config = s.roots.Clone()
	}
	config.ServerName = s.host
	return config
}

// greet sees to TLS and signs in.
func (s *SMTP) greet(client *smtp.Client) error {
	_, domain, _ := strings.Cut(s.from, "@")
	if err := client.Hello(domain); err != nil {
		return err
	}
	if !s.implicit && !s.plain {
		if offered, _ := client.Extension("STARTTLS"); !offered {
			return errors.New("the mail server offers no STARTTLS, and nothing is sent without TLS")
		}
		if err := client.StartTLS(s.tls()); err != nil {
			return err
		}
	}
	if s.user == "" {
		return nil
	}
	return client.Auth(smtp.PlainAuth("", s.user, string(s.password.Reveal()), s.host))
}

// smtpReason puts a failure in words that the target's owner may read: of what the
// server said the code alone.
func smtpReason(ctx context.Context, doing string, err error) error {
	var answer *textproto.Error
	switch {
	case errors.As(err, &answer):
		return undelivered(fmt.Sprintf("%s failed with code %d", doing, answer.Code))
	case err != nil && strings.Contains(err.Error(), "STARTTLS"):
		return undelivered("the mail server offers no STARTTLS, and nothing is sent without TLS")
	}
	return undelivered(doing + " failed: " + reason(ctx, err))
}

// write makes the message (RFC 5322). All that comes from outside is in the subject and the
// body, which are encoded so that neither can begin a header.
func (s *SMTP) write(n chancery.Notice, to chancery.NoticeTarget, now time.Time) []byte {
	var m bytes.Buffer
	_, domain, _ := strings.Cut(s.from, "@")
	header := func(name, value string) { _, _ = fmt.Fprintf(&m, "%s: %s\r\n", name, value) }
	header("From", "Chancery <"+s.from+">")
	header("To", strings.Join(to.Addresses, ",\r\n "))
	header("Subject", strings.ReplaceAll(mime.QEncoding.Encode("utf-8", "Chancery: "+n.Subject()), "?= =?", "?=\r\n =?"))
	header("Date", now.UTC().Format(time.RFC1123Z))
	header("Message-ID", fmt.Sprintf("<%s.%d@%s>", messageID(n), to.ID, domain))
	header("Auto-Submitted", "auto-generated")
	header("X-Chancery-Notice", string(n.Kind))
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "base64")
	m.WriteString("\r\n")
	const line = 76
	text := base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(n.Text(), "\n", "\r\n") + "\r\n"))
	for len(text) > 0 {
		part := text[:min(line, len(text))]
		text = text[len(part):]
		m.WriteString(part + "\r\n")
	}
	return m.Bytes()
}
