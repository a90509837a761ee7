package notice

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
)

// sink is a mail server that takes all, unless faults says otherwise.
type sink struct {
	listener net.Listener
	config   *tls.Config
	implicit bool
	// faults are answers by command, such as "RCPT" or "." for the end of the message;
	// "hang" never answers, "close" closes the connection.
	faults map[string]string
	quiet  bool // it does not offer STARTTLS
	done   sync.WaitGroup
	stop   chan struct{}

	mu    sync.Mutex // guards what follows
	mails []string   // as they came
	rcpts []string
	auth  string // as it came
	plain bool   // AUTH or MAIL came without TLS
}

func newSink(t *testing.T, change func(*sink)) *sink {
	t.Helper()
	certificates := httptest.NewUnstartedServer(nil)
	certificates.StartTLS() // for its certificate, of example.com and 127.0.0.1
	s := &sink{config: certificates.TLS.Clone(), stop: make(chan struct{})}
	s.config.NextProtos = nil
	certificates.Close()
	if change != nil {
		change(s)
	}
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.done.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			s.done.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = s.listener.Close()
		close(s.stop)
		s.done.Wait()
	})
	return s
}

// server gives the sink as the service is told of it, and trusts its certificate.
func (s *sink) server(t *testing.T, scheme, user string) *SMTP {
	t.Helper()
	password := chancery.Secret{}
	if user != "" {
		user, password = user+"@", chancery.NewSecret([]byte("the password"))
	}
	server, err := ParseSMTP(scheme+"://"+user+s.listener.Addr().String(), password, "chancery@example.test")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(s.config.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots.AddCert(leaf)
	server.roots = &tls.Config{RootCAs: roots}
	return server
}

func (s *sink) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	secure := s.implicit
	if s.implicit {
		conn = tls.Server(conn, s.config)
	}
	lines := bufio.NewReader(conn)
	say := func(command, text string) bool {
		if fault, is := s.faults[command]; is {
			text = fault
		}
		switch text {
		case "hang":
			<-s.stop
			return false
		case "close":
			return false
		}
		_, err := io.WriteString(conn, text+"\r\n")
		return err == nil
	}
	if !say("greeting", "220 sink") {
		return
	}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		command, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		answer := "250 ok"
		s.mu.Lock()
		switch command = strings.ToUpper(command); command {
		case "EHLO":
			answer = "250-sink\r\n250 AUTH PLAIN"
			if !secure && !s.quiet {
				answer = "250-sink\r\n250-STARTTLS\r\n250 AUTH PLAIN"
			}
		case "AUTH":
			s.auth, s.plain, answer = strings.TrimSpace(line), s.plain || !secure, "235 ok"
		case "MAIL":
			s.plain = s.plain || !secure
		case "RCPT":
			s.rcpts = append(s.rcpts, strings.TrimSpace(line))
			if strings.Contains(line, "nobody") {
				answer = "550 no such user, and secrets of the server"
			}
		case "STARTTLS", "DATA":
			answer = map[string]string{"STARTTLS": "220 go", "DATA": "354 go"}[command]
		case "QUIT":
			answer = "221 bye"
		}
		s.mu.Unlock()
		if !say(command, answer) {
			return
		}
		switch {
		case command == "STARTTLS" && s.faults[command] == "":
			conn, secure = tls.Server(conn, s.config), true
			lines = bufio.NewReader(conn)
		case command == "DATA" && s.faults[command] == "":
			if !s.take(lines) || !say(".", "250 taken") {
				return
			}
		case command == "QUIT":
			return
		}
	}
}

func (s *sink) take(lines *bufio.Reader) bool {
	var text strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(line)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mails = append(s.mails, text.String())
	return true
}

func mailTo(addresses ...string) chancery.NoticeTarget {
	return chancery.NoticeTarget{ID: 9, AccountID: 1234567890123456, Kind: chancery.MailTarget, Addresses: addresses}
}

func TestMail(t *testing.T) {
	for scheme, implicit := range map[string]bool{"smtps": true, "smtp+starttls": false} {
		t.Run(scheme, func(t *testing.T) {
			s := newSink(t, func(s *sink) { s.implicit = implicit })
			courier, _ := newCourier(t)
			courier.Mail = s.server(t, scheme, "user")
			n := failed(hostile)
			n.Order.Names = []string{"www.例子.test\r\nBcc: victim@example.test", "b.test"}
			if err := deliver(t, courier, n, mailTo("a@example.test", "nobody@example.test", "b@example.test")); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.plain || s.auth != "AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00user\x00the password")) {
				t.Errorf("without TLS: %t; %q", s.plain, s.auth)
			}
			if len(s.mails) != 1 || len(s.rcpts) != 3 {
				t.Fatalf("%d mails for %v", len(s.mails), s.rcpts)
			}
			m, err := mail.ReadMessage(strings.NewReader(s.mails[0]))
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{
				"From": "Chancery <chancery@example.test>", "To": "a@example.test, nobody@example.test, b@example.test",
				"Date": "Wed, 25 Nov 2026 12:00:00 +0000", "Message-Id": "<notice_5530217746120984.9@example.test>",
				"Auto-Submitted": "auto-generated", "Content-Type": "text/plain; charset=utf-8", "Content-Transfer-Encoding": "base64",
				"Mime-Version": "1.0", "X-Chancery-Notice": "order-failed",
			} {
				if got := m.Header.Get(name); got != want {
					t.Errorf("%s is %q, not %q", name, got, want)
				}
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || subject != "Chancery: The order for www.例子.test  Bcc: victim@example.test and 1 more failed" {
				t.Errorf("the subject is %q, %v", subject, err)
			}
			if len(m.Header) != 10 || m.Header.Get("Bcc") != "" {
				t.Errorf("the header is %v", m.Header)
			}
			body, _ := io.ReadAll(base64.NewDecoder(base64.StdEncoding, m.Body))
			if want := strings.ReplaceAll(n.Text(), "\n", "\r\n") + "\r\n"; string(body) != want {
				t.Errorf("the text is %q, not %q", body, want)
			}
			for line := range strings.SplitSeq(s.mails[0], "\r\n") {
				if len(line) > 250 || strings.ContainsAny(line, "\r\n") {
					t.Errorf("a line is %q", line)
				}
			}
		})
	}
}

func TestMailServersWithFaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*sink)
		want   string
	}{
		{"it refuses at once", func(s *sink) { s.faults = map[string]string{"greeting": "554 go away"} }, "connecting to the mail server failed with code 554"},
		{"it hangs at once", func(s *sink) { s.faults = map[string]string{"greeting": "hang"} }, "no answer in time"},
		{"it offers no STARTTLS", func(s *sink) { s.quiet = true }, "offers no STARTTLS"},
		{"it refuses STARTTLS", func(s *sink) { s.faults = map[string]string{"STARTTLS": "454 not now"} }, "code 454"},
		{"it refuses the password", func(s *sink) { s.faults = map[string]string{"AUTH": "535 secret words of the server"} }, "code 535"},
		{"it refuses the sender", func(s *sink) { s.faults = map[string]string{"MAIL": "550 no"} }, "who the mail is from failed with code 550"},
		{"it is busy", func(s *sink) { s.faults = map[string]string{"RCPT": "451 later"} }, "who the mail is for failed with code 451"},
		{"it knows nobody", func(s *sink) { s.faults = map[string]string{"RCPT": "550 secret words of the server"} }, "who the mail is for failed with code 550"},
		{"it refuses the message", func(s *sink) { s.faults = map[string]string{".": "554 spam, secret words"} }, "handing over the mail failed with code 554"},
		{"it hangs at the end", func(s *sink) { s.faults = map[string]string{".": "hang"} }, "no answer in time"},
		{"it closes at the end", func(s *sink) { s.faults = map[string]string{".": "close"} }, "the connection failed"},
		{"it hangs after all", func(s *sink) { s.faults = map[string]string{"QUIT": "hang"} }, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSink(t, test.change)
			courier, _ := newCourier(t)
			courier.Mail = s.server(t, "smtp+starttls", "user")
			err := deliver(t, courier, failed("no proof"), mailTo("a@example.test"))
			if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret words")) {
				t.Errorf("%v; want %q", err, test.want)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.plain {
				t.Error("mail or password went without TLS")
			}
		})
	}
}

// TestMailServerIsVerified: a server that nobody vouches for gets no password.
func TestMailServerIsVerified(t *testing.T) {
	for scheme, implicit := range map[string]bool{"smtps": true, "smtp+starttls": false} {
		s := newSink(t, func(s *sink) { s.implicit = implicit })
		courier, _ := newCourier(t)
		courier.Mail = s.server(t, scheme, "user")
		courier.Mail.roots = nil
		err := deliver(t, courier, failed("no proof"), mailTo("a@example.test"))
		if err == nil || !strings.Contains(err.Error(), "of no CA that the service trusts") || s.auth != "" {
			t.Errorf("%s: %v, %q", scheme, err, s.auth)
		}
	}
}

func TestMailWithoutTLSStaysHere(t *testing.T) {
	s := newSink(t, nil)
	courier, _ := newCourier(t)
	if err := deliver(t, courier, failed("x"), mailTo("a@example.test")); err == nil || !strings.Contains(err.Error(), "--smtp-url") {
		t.Errorf("without a server: %v", err)
	}
	courier.Mail = s.server(t, "smtp", "")
	if err := deliver(t, courier, failed("x"), mailTo("a@example.test")); err != nil || len(s.mails) != 1 {
		t.Errorf("%v, %d mails", err, len(s.mails))
	}
	some := chancery.NewSecret([]byte("x"))
	for _, test := range []struct {
		url      string
		password chancery.Secret
		from     string
		want     string
	}{
		{"smtp://mail.example.com", chancery.Secret{}, "a@b.test", "this machine alone"},
		{"smtps://user:hunter2@mail.example.com", chancery.Secret{}, "a@b.test", "must not hold the password"},
		{"smtps://user@mail.example.com", chancery.Secret{}, "a@b.test", "go together"},
		{"smtps://mail.example.com", some, "a@b.test", "go together"},
		{"smtps://user@mail.example.com", some, "", "--smtp-from"},
		{"smtps://user@mail.example.com", some, "a@b.test\r\nX: y", "--smtp-from"},
		{"https://mail.example.com", chancery.Secret{}, "a@b.test", "none of smtps"},
		{"mail.example.com:25", chancery.Secret{}, "a@b.test", "write it as"},
		{"smtps://mail.example.com/path", chancery.Secret{}, "a@b.test", "write it as"},
	} {
		if _, err := ParseSMTP(test.url, test.password, test.from); err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v; want %q", test.url, err, test.want)
		}
	}
	if text := fmt.Sprintf("%+v", courier.Mail); strings.Contains(text, "the password") {
		t.Error(text)
	}
}
