package dcv

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"chancery"
)

// A server that talks for as long as it is listened to ends nothing but its own
// look, and within the look's time.
func TestHostileServer(t *testing.T) {
	tests := []struct {
		name    string
		talk    func(net.Conn)
		finding chancery.Finding
		detail  string
	}{
		{"says nothing", drip(""), chancery.NoAnswer, "no answer in time"},
		{"slow header", drip("HTTP/1.1 200 OK\r\n"), chancery.NoAnswer, "no answer in time"},
		{"slow body", drip("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"), chancery.NoAnswer, "no answer in time"},
		{"slow chunks", drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nz\r\n"), chancery.NoAnswer, "no answer in time"},
		{"huge header", pour("HTTP/1.1 200 OK\r\nA: ", "zebra-stripes"), chancery.BadAnswer, "longer than 16 KiB"},
		{"many headers", pour("HTTP/1.1 200 OK\r\n", "A: zebra-stripes\r\n"), chancery.BadAnswer, "longer than 16 KiB"},
		{"endless early answers", pour("", "HTTP/1.1 103 Early Hints\r\n\r\n"), chancery.BadAnswer, "longer than 16 KiB"},
		{"endless body", pour("HTTP/1.1 200 OK\r\n\r\n", secret), chancery.BadAnswer, "more than 1 KiB"},
		{"not HTTP", once("SSH-2.0-" + secret + "\r\n"), chancery.BadAnswer, "not HTTP"},
		{"HTTP/0.9", once(token), chancery.BadAnswer, "not HTTP"},
		{"strange status", once("HTTP/1.1 zebra-stripes\r\n\r\n"), chancery.BadAnswer, "not HTTP"},
		{"bad chunk", once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzebra-stripes\r\n"), chancery.BadAnswer, "not HTTP"},
		{"hangs up", once(""), chancery.NoAnswer, "closed before"},
		{"hangs up in the header", once("HTTP/1.1 200 OK\r\nA: zebra-"), chancery.NoAnswer, "closed before"},
		{"hangs up in the body", once("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + token), chancery.NoAnswer, "closed before"},
		{"token after an early answer", once("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n\r\n" + token), chancery.Seen, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			port := serveRaw(t, test.talk)
			config := Config{HTTPPort: port}
			if test.detail == "no answer in time" {
				config.Timeout = 600 * time.Millisecond
			}
			l := newLooker(t, config, siteZone(t, "127.0.0.1"))
			began := time.Now()
			_, evidence := look(t, l, chancery.FILE)
			expect(t, evidence[0], "http://", test.finding, test.detail)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// drip writes a little every now and then, after a beginning.
func drip(beginning string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, err := fmt.Fprint(conn, beginning)
		for err == nil {
			time.Sleep(20 * time.Millisecond)
			if beginning == "" {
				_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
				_, err = conn.Read(make([]byte, 1))
				continue
			}
			_, err = fmt.Fprint(conn, "z")
		}
	}
}

// pour writes the same again and again, as fast as it goes.
func pour(beginning, stream string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		_, err := fmt.Fprint(conn, beginning)
		for err == nil {
			_, err = fmt.Fprint(conn, strings.Repeat(stream, 10))
		}
	}
}

func once(text string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		fmt.Fprint(conn, text)
	}
}

func readRequest(conn net.Conn) {
	_, _ = http.ReadRequest(bufio.NewReader(conn))
}

// A port that never answers leaves time for the other.
func TestHTTPSGetsItsTime(t *testing.T) {
	plain := serveRaw(t, drip(""))
	secure := serveTLS(t, "127.0.0.1:0", say(token))
	l := newLooker(t, Config{HTTPPort: plain, HTTPSPort: secure, Timeout: 2 * time.Second}, siteZone(t, "127.0.0.1"))
	proved, evidence := look(t, l, chancery.FILE)
	if !proved || len(evidence) != 2 {
		t.Fatalf("proved is %v, evidence %+v", proved, evidence)
	}
	expect(t, evidence[0], "http://", chancery.NoAnswer, "no answer in time")
}

// A TLS handshake that never ends is bounded too.
func TestSlowHandshake(t *testing.T) {
	silent := serveRaw(t, func(conn net.Conn) {
		_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		for {
			if _, err := conn.Read(make([]byte, 512)); err != nil {
				return
			}
		}
	})
	l := newLooker(t, Config{HTTPSPort: silent, Timeout: 300 * time.Millisecond}, siteZone(t, "127.0.0.1"))
	_, evidence := look(t, l, chancery.FILE)
	expect(t, evidence[1], "https://", chancery.NoAnswer, "no answer in time")
}
