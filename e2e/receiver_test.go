package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"chancery"
)

// receiver takes generic webhooks at a secret path. It answers the first call with 500,
// hangs up on the second, and takes all that follow. Of each it verifies the signature by
// the commands of docs/notices.md.
type receiver struct {
	url    string
	verify string // the commands

	mu     sync.Mutex // guards what follows
	secret string
	calls  []told
	taken  []told
	wrong  []string // what should not have come
}

// told is the body of a webhook.
type told struct {
	ID, Subject, Text string
	Kind              chancery.NoticeKind
	Account           chancery.AccountID
	Fields            chancery.NoticeFields
}

func startReceiver(t testing.TB, token string) *receiver {
	t.Helper()
	page, err := os.ReadFile("../docs/notices.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(page), "<!-- verify -->\n```sh\n")
	code, _, ended := strings.Cut(code, "```")
	if !found || !ended {
		t.Fatal("docs/notices.md does not say how to verify a signature with OpenSSL")
	}
	r := &receiver{verify: code}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL + "/hooks/" + token
	return r
}

// expect tells the receiver the secret that signatures are made with.
func (r *receiver) expect(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secret = secret
}

// ServeHTTP takes one call.
func (r *receiver) ServeHTTP(answer http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, err := io.ReadAll(request.Body)
	var one told
	if err == nil {
		err = json.Unmarshal(body, &one)
	}
	switch {
	case err != nil:
		r.wrong = append(r.wrong, err.Error())
	case request.Method != http.MethodPost || !strings.HasSuffix(r.url, request.URL.Path):
		r.wrong = append(r.wrong, "it is "+request.Method+" "+request.URL.Path)
	case request.Header.Get("Webhook-Id") != one.ID:
		r.wrong = append(r.wrong, "its header says "+request.Header.Get("Webhook-Id")+" and its body "+one.ID)
	}
	if problem := r.check(request.Header, body); problem != "" {
		r.wrong = append(r.wrong, problem)
	}
	r.calls = append(r.calls, one)
	switch len(r.calls) {
	case 1:
		http.Error(answer, "not today", http.StatusInternalServerError)
	case 2:
		panic(http.ErrAbortHandler) // the server closes the connection
	default:
		r.taken = append(r.taken, one)
	}
}

// check runs the commands of docs/notices.md on a message; "": it is genuine.
func (r *receiver) check(header http.Header, body []byte) (problem string) {
	dir, err := os.MkdirTemp("", "chancery-e2e-webhook-")
	if err != nil {
		return err.Error()
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.WriteFile(filepath.Join(dir, "body"), body, 0o600); err != nil {
		return err.Error()
	}
	sh := exec.CommandContext(lifetime, "sh", "-c", r.verify)
	sh.Dir = dir
	sh.Env = append(os.Environ(), "SECRET="+r.secret, "ID="+header.Get("Webhook-Id"),
		"TIMESTAMP="+header.Get("Webhook-Timestamp"), "SIGNATURE="+header.Get("Webhook-Signature"))
	if output, err := sh.CombinedOutput(); err != nil {
		return "its signature is refused: " + err.Error() + " " + string(output)
	}
	return ""
}

// read gives all calls so far, and those that were taken. The test fails if there was
// what should not have come.
func (r *receiver) read(t testing.TB) (calls, taken []told) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, wrong := range r.wrong {
		t.Errorf("the receiver: %s", wrong)
	}
	r.wrong = nil
	return append([]told(nil), r.calls...), append([]told(nil), r.taken...)
}
