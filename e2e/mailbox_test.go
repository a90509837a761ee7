package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailbox is a mail server of this machine for one user. It is busy when it is called
// for the first time, as greylisting is.
type mailbox struct {
	listener net.Listener
	user     string
	password string

	mu    sync.Mutex // guards what follows
	busy  int        // how often it said so
	mails []letter
	wrong []string // what should not have come
}

// letter is a mail as its reader sees it.
type letter struct{ to, kind, subject, text string }

func startMailbox(t testing.TB, user, password string) *mailbox {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{listener: listener, user: user, password: password}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(patience))
				m.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	return m
}

// url is what the service is told.
func (m *mailbox) url() string { return "smtp://" + m.user + "@" + m.listener.Addr().String() }

// serve speaks SMTP, as much of it as it takes.
func (m *mailbox) serve(conn net.Conn) {
	lines := bufio.NewReader(conn)
	answer := "220 mailbox"
	for {
		if _, err := fmt.Fprintf(conn, "%s\r\n", answer); err != nil || strings.HasPrefix(answer, "221") {
			return
		}
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		if answer = m.answer(strings.TrimSpace(line)); !strings.HasPrefix(answer, "354") {
			continue
		}
		if _, err := fmt.Fprintf(conn, "%s\r\n", answer); err != nil {
			return
		}
		message, err := readMail(lines)
		if err != nil {
			return
		}
		answer = m.take(message)
	}
}

// answer is what the server says to a command.
func (m *mailbox) answer(line string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	command, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(command) {
	case "EHLO":
		return "250-mailbox\r\n250 AUTH PLAIN"
	case "AUTH":
		if want := "PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00"+m.user+"\x00"+m.password)); rest != want {
			m.wrong = append(m.wrong, "it signs in with "+rest)
		}
		return "235 welcome"
	case "MAIL":
		if m.busy == 0 {
			m.busy++
			return "451 busy; try again later"
		}
		return "250 go on"
	case "DATA":
		return "354 go on"
	case "QUIT":
		return "221 bye"
	}
	return "250 fine"
}

func readMail(lines *bufio.Reader) (string, error) {
	var text strings.Builder
	for {
		line, err := lines.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return text.String(), err
		}
		text.WriteString(line)
	}
}

// take keeps a mail.
func (m *mailbox) take(text string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	message, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		m.wrong = append(m.wrong, fmt.Sprintf("it is no mail: %v\n%s", err, text))
		return "554 that is no mail"
	}
	body, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, message.Body))
	if err != nil {
		m.wrong = append(m.wrong, fmt.Sprintf("its text cannot be read: %v\n%s", err, text))
	}
	h := message.Header
	m.mails = append(m.mails, letter{h.Get("To"), h.Get("X-Chancery-Notice"), h.Get("Subject"), string(body)})
	return "250 taken"
}

// read gives all mail so far, and how often the server was busy. The test fails if there
// was what should not have come.
func (m *mailbox) read(t testing.TB) (mails []letter, busy int) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, wrong := range m.wrong {
		t.Errorf("the mail server: %s", wrong)
	}
	m.wrong = nil
	return append([]letter(nil), m.mails...), m.busy
}
