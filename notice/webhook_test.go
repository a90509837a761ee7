package notice

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
)

// TestGenericWebhook: the receiver gets JSON whose signature it can verify, and the same
// id each time.
func TestGenericWebhook(t *testing.T) {
	var bodies [][]byte
	var ids []string
	url := receiver(t, func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("the request is %s %v, %v", r.Method, r.Header, err)
		}
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(someSecret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
			t.Errorf("the signature is %q, not %q", r.Header.Get("webhook-signature"), want)
		}
		bodies, ids = append(bodies, body), append(ids, r.Header.Get("webhook-id"))
	})
	courier, _ := newCourier(t, "127.0.0.0/8")
	for range 2 {
		if err := deliver(t, courier, failed("no proof"), hook(chancery.GenericFormat, url+"/x?y=z", someSecret)); err != nil {
			t.Fatal(err)
		}
	}
	if len(ids) != 2 || ids[0] != ids[1] || ids[0] != "notice_5530217746120984" {
		t.Errorf("the ids are %v", ids)
	}
	want := `{"id":"notice_5530217746120984","time":"2026-11-25T12:00:00Z","kind":"order-failed","account":1234567890123456,` +
		`"subject":"The order for www.example.test failed",` +
		`"text":"Order 4721590088371203 for www.example.test (digicert-free-1-free) failed: no proof\nAccount 1234567890123456",` +
		`"fields":{"order":{"orderId":4721590088371203,"product":"digicert-free-1-free","names":["www.example.test"],"reason":"no proof"}}}`
	if string(bodies[0]) != want {
		t.Errorf("the body is\n%s\nnot\n%s", bodies[0], want)
	}
}

// TestTheDocumentsVerify runs the examples of docs/notices.md on a message as it is sent.
func TestTheDocumentsVerify(t *testing.T) {
	message, err := compose(failed("no proof"), hook(chancery.GenericFormat, "https://a.test/", someSecret), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../docs/notices.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "body"), message.body, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, language := range []string{"sh", "python"} {
		program := map[string]string{"sh": "sh", "python": "python3"}[language]
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CHANCERY_TEST_ALL") != "" && language == "sh" {
				t.Fatal(err)
			}
			continue
		}
		_, code, found := strings.Cut(string(page), "<!-- verify -->\n```"+language+"\n")
		code, _, ended := strings.Cut(code, "```")
		if !found || !ended {
			t.Fatalf("docs/notices.md has no example in %s", language)
		}
		run := func(signature string) error {
			command := exec.CommandContext(t.Context(), program, "-c", code)
			command.Dir = dir
			command.Env = append(os.Environ(), "SECRET="+someSecret, "ID="+message.header.Get("webhook-id"),
				"TIMESTAMP="+message.header.Get("webhook-timestamp"), "SIGNATURE="+signature)
			output, err := command.CombinedOutput()
			t.Logf("%s: %s", language, output)
			return err
		}
		if err := run(message.header.Get("webhook-signature")); err != nil {
			t.Errorf("%s refuses a good signature: %v", language, err)
		}
		if err := run("v1,AAAA" + message.header.Get("webhook-signature")[7:]); err == nil {
			t.Errorf("%s takes a bad signature", language)
		}
	}
}

// TestReceiversWithFaults: whatever a receiver does, the delivery ends soon, with a
// reason that repeats nothing of it.
func TestReceiversWithFaults(t *testing.T) {
	const mark = "what-the-receiver-says"
	stop := make(chan struct{})
	defer close(stop)
	var reached atomic.Bool
	trap := receiver(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string        // "": it arrives
		after  time.Duration // that the receiver asks for
		gone   bool
	}{
		{"200", func(http.ResponseWriter, *http.Request) {}, "", 0, false},
		{"204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, "", 0, false},
		{"a huge answer", func(w http.ResponseWriter, _ *http.Request) {
			for range 1000 {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, "", 0, false},
		{"500", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, mark, 500) }, "status 500", 0, false},
		{"404", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, mark, 404) }, "status 404", 0, false},
		{"410", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, mark, http.StatusGone) }, "status 410", 0, true},
		{"429 in seconds", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(429)
		}, "status 429", 2 * time.Minute, false},
		{"429 for ever", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "99999999999")
			w.WriteHeader(429)
		}, "status 429", 24 * time.Hour, false},
		{"503 with a date", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", noon.Add(time.Hour).Format(http.TimeFormat))
			w.WriteHeader(503)
		}, "status 503", time.Hour, false},
		{"a redirect to loopback", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, trap, http.StatusTemporaryRedirect) }, "status 307", 0, false},
		{"a closed connection", func(w http.ResponseWriter, _ *http.Request) { abandon(w, "") }, "closed before there was an answer", 0, false},
		{"no HTTP", func(w http.ResponseWriter, _ *http.Request) { abandon(w, mark+"\r\n\r\n") }, "closed before there was an answer", 0, false},
		{"an endless header", func(w http.ResponseWriter, _ *http.Request) {
			abandon(w, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
		}, "closed before there was an answer", 0, false},
		{"a receiver that hangs", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-stop:
			}
		}, "no answer in time", 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			courier, _ := newCourier(t, "127.0.0.0/8")
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			var calls atomic.Int32
			url := receiver(t, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				_, _ = io.Copy(io.Discard, r.Body)
				test.answer(w, r)
			})
			err := courier.Deliver(ctx, failed("no proof"), hook(chancery.GenericFormat, url+"/token", someSecret))
			if calls.Load() != 1 || reached.Load() {
				t.Errorf("it was called %d times; the redirect was followed: %t", calls.Load(), reached.Load())
			}
			var undelivered *chancery.UndeliveredError
			switch {
			case test.want == "" && err == nil:
				return
			case !errors.As(err, &undelivered) || !strings.Contains(err.Error(), test.want):
				t.Fatalf("%v; want %q", err, test.want)
			}
			after := time.Duration(0)
			if !undelivered.After.IsZero() {
				after = undelivered.After.Sub(noon)
			}
			if after != test.after || undelivered.Gone != test.gone {
				t.Errorf("it says %+v", undelivered)
			}
			if strings.Contains(err.Error(), mark) || strings.Contains(err.Error(), "token") {
				t.Errorf("it repeats what it must not: %v", err)
			}
		})
	}
}

// abandon writes text to the connection and closes it.
func abandon(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_, _ = conn.Write([]byte(text))
		_ = conn.Close()
	}
}

// TestWhereWebhooksMayBe: nothing but public addresses over TLS, unless the operator
// allows others, whatever name leads there.
func TestWhereWebhooksMayBe(t *testing.T) {
	called := false
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(receiver(t, func(http.ResponseWriter, *http.Request) { called = true }), "http://"))
	for name, test := range map[string]struct {
		url, allow, want string
		records          []string // of hooks.example.test
	}{
		"loopback":                       {url: "http://127.0.0.1:" + port, want: "TLS alone"},
		"loopback over TLS":              {url: "https://127.0.0.1:" + port, want: "not a public address; the operator may allow it with --notice-allow"},
		"IPv6 loopback":                  {url: "https://[::1]:" + port, want: "not a public address"},
		"mapped loopback":                {url: "https://[::ffff:127.0.0.1]:" + port, want: "not a public address"},
		"all addresses of this machine":  {url: "https://0.0.0.0:" + port, want: "not a public address"},
		"private":                        {url: "https://10.0.0.1/", want: "not a public address"},
		"metadata":                       {url: "https://169.254.169.254/latest", want: "where a cloud keeps credentials"},
		"metadata in an allowed range":   {url: "http://169.254.169.254/latest", allow: "169.254.0.0/16", want: "where a cloud keeps credentials"},
		"Alibaba's metadata":             {url: "https://100.100.100.200/", want: "where a cloud keeps credentials"},
		"a name that leads to loopback":  {url: "https://hooks.example.test:" + port, records: []string{"127.0.0.1"}, want: "not a public address"},
		"a name that leads to several":   {url: "https://hooks.example.test:" + port, records: []string{"10.0.0.1", "127.0.0.1"}, want: "not a public address"},
		"a name without an address":      {url: "https://hooks.example.test/", want: "hooks.example.test"},
		"a number":                       {url: "https://2130706433/", want: "neither a full domain name nor an address"},
		"a hexadecimal number":           {url: "https://0x7f000001/", want: "neither a full domain name nor an address"},
		"this machine's own name":        {url: "https://localhost/", want: "neither a full domain name nor an address"},
		"plain to a public address":      {url: "http://198.51.100.1/", allow: "127.0.0.0/8", want: "TLS alone"},
		"another range than the allowed": {url: "https://127.0.0.1:" + port, allow: "10.0.0.0/8", want: "not a public address"},
		"allowed, over TLS":              {url: "https://127.0.0.1:" + port, allow: "127.0.0.0/8", want: "does not speak TLS"},
		"allowed":                        {url: "http://127.0.0.1:" + port, allow: "127.0.0.1/32"},
		"a name that leads to allowed":   {url: "http://hooks.example.test:" + port, records: []string{"127.0.0.1"}, allow: "127.0.0.0/8"},
	} {
		t.Run(name, func(t *testing.T) {
			called = false
			var allow []string
			if test.allow != "" {
				allow = []string{test.allow}
			}
			courier, names := newCourier(t, allow...)
			if test.records != nil {
				names.Set("hooks.example.test", "A", test.records...)
			}
			err := deliver(t, courier, failed("no proof"), hook(chancery.GenericFormat, test.url, someSecret))
			if called != (test.want == "") || (err == nil) != called {
				t.Errorf("called: %t; %v", called, err)
			}
			if err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; want %q", err, test.want)
			}
		})
	}
}

// TestTLSIsVerified: a host whose certificate nobody vouches for learns nothing.
func TestTLSIsVerified(t *testing.T) {
	called := false
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	courier, _ := newCourier(t, "127.0.0.0/8")
	err := deliver(t, courier, failed("no proof"), hook(chancery.GenericFormat, server.URL, someSecret))
	if err == nil || called || !strings.Contains(err.Error(), "of no CA that the service trusts") {
		t.Errorf("called: %t; %v", called, err)
	}
}

// hostile is what strangers may have put into a reason.
const hostile = "evil\r\nBcc: x@y.test\n\n<!channel> <@U123> @all @everyone <at user_id=\"all\">all</at> [x](http://evil.test) *b* & \u202eright \x00 \u2028 `c`"

func TestStrangersWordsAreText(t *testing.T) {
	n := failed(hostile)
	for format, look := range map[chancery.WebhookFormat]func(body []byte) string{
		chancery.GenericFormat: func(body []byte) string {
			var m struct{ Text string }
			_ = json.Unmarshal(body, &m)
			return m.Text
		},
		chancery.DingTalkFormat: func(body []byte) string {
			var m struct {
				MsgType string
				Text    struct{ Content string }
				At      struct{ IsAtAll bool }
			}
			if err := json.Unmarshal(body, &m); err != nil || m.MsgType != "text" || m.At.IsAtAll {
				t.Errorf("DingTalk gets %s", body)
			}
			if strings.ContainsAny(m.Text.Content, "@<>") {
				t.Errorf("DingTalk could read a mention in %q", m.Text.Content)
			}
			return m.Text.Content
		},
		chancery.FeishuFormat: func(body []byte) string {
			var m struct {
				MsgType string `json:"msg_type"`
				Content struct{ Text string }
			}
			if err := json.Unmarshal(body, &m); err != nil || m.MsgType != "text" {
				t.Errorf("Feishu gets %s", body)
			}
			if strings.ContainsAny(m.Content.Text, "@<>") {
				t.Errorf("Feishu could read a mention in %q", m.Content.Text)
			}
			return m.Content.Text
		},
		chancery.SlackFormat: func(body []byte) string {
			var m struct {
				Text   string
				Blocks []struct {
					Type string
					Text struct{ Type, Text string }
				}
			}
			if err := json.Unmarshal(body, &m); err != nil || len(m.Blocks) != 1 || m.Blocks[0].Type != "section" || m.Blocks[0].Text.Type != "plain_text" {
				t.Errorf("Slack gets %s", body)
			}
			if strings.ContainsAny(m.Text+m.Blocks[0].Text.Text, "<>") || !strings.Contains(m.Blocks[0].Text.Text, "&lt;!channel&gt;") {
				t.Errorf("Slack could read a command in %s", body)
			}
			return m.Blocks[0].Text.Text
		},
	} {
		secret := map[bool]string{true: someSecret}[format == chancery.GenericFormat]
		m, err := compose(n, hook(format, "https://a.test/", secret), noon)
		if err != nil {
			t.Fatal(err)
		}
		if text := look(m.body); strings.ContainsAny(text, "\r\x00\u202e\u2028") || !strings.Contains(text, "evil  Bcc: x") {
			t.Errorf("%s shows %q", format, text)
		}
	}
	n.Order.Names = []string{"a\r\nSubject: x"}
	if strings.ContainsAny(n.Subject(), "\r\n") || len([]rune(n.Subject())) > 201 {
		t.Errorf("the subject is %q", n.Subject())
	}
}
