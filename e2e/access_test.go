package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/keyring"
	"chancery/signature"
	"chancery/store"
)

// accessClient is an official client in the programs that show access.
type accessClient struct {
	name    string
	needs   func(*testing.T)
	command []string
	client  string
	// retries: it gets through throttling by itself, once it is told to retry.
	retries bool
}

// accessClients are all. The older ones retry after a status of 500 and above, or
// never; a throttled call has status 400, as the original's pages say.
func accessClients(t *testing.T) []accessClient {
	t.Helper()
	path, err := buildAccess()
	if err != nil {
		t.Fatal(err)
	}
	node := []string{"node", filepath.FromSlash("clients/node/access.js")}
	return []accessClient{
		{"Go, current", needNothing, []string{path}, "openapi", true},
		{"Go, older", needNothing, []string{path}, "legacy", false},
		{"Node, current", needNode, node, "current", true},
		{"Node, older", needNode, node, "pop-core", false},
	}
}

// buildAccess builds the program in clients/go.
var buildAccess = sync.OnceValues(func() (string, error) {
	path := filepath.Join(goClients, "access")
	output, err := exec.CommandContext(lifetime, "go", "build", "-C", filepath.Join("clients", "go"), "-o", path, "./access").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, output)
	}
	return path, nil
})

// run runs the client's program and gives the steps that it printed.
func (c accessClient) run(t *testing.T, s *service, key signature.Credentials, environment ...string) map[string]map[string]any {
	t.Helper()
	done := finish(t, append([]string{
		"CHANCERY_ENDPOINT=" + hostOf(t, s.endpoint), "CHANCERY_CLIENT=" + c.client,
		"CHANCERY_ACCESS_KEY_ID=" + key.AccessKeyID, "CHANCERY_ACCESS_KEY_SECRET=" + string(key.AccessKeySecret),
	}, environment...), c.command[0], c.command[1:]...)
	if done.status != 0 {
		t.Fatalf("the program ended with status %d\n%s", done.status, done.stderr)
	}
	steps := map[string]map[string]any{}
	for text := range strings.Lines(done.stdout) {
		var step map[string]any
		if err := json.Unmarshal([]byte(text), &step); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		steps[fmt.Sprint(step["step"])] = step
	}
	return steps
}

// Official clients assume a role and call with the temporary credentials, under
// the signature that is theirs.
func TestTemporaryCredentialsInOfficialClients(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	who := s.tenant(t, chancery.DefaultProduct, 1)
	role := chancery.Role{ID: chancery.NewID(), AccountID: who.account, Name: "reader", MaxSession: time.Hour, CreatedAt: time.Now(), Trust: fmt.Sprintf(
		`{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::%d:root"}}]}`, who.account)}
	s.write(t, func(tx chancery.Tx) error {
		if err := tx.AddRole(role); err != nil {
			return err
		}
		return tx.AttachPolicy(chancery.Attachment{
			AccountID: who.account, Kind: chancery.RolePrincipal, ID: role.ID, Policy: "AliyunYundunCertReadOnlyAccess",
		})
	})
	for _, c := range accessClients(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.needs(t)
			steps := c.run(t, s, who.key, "CHANCERY_ROLE="+role.ARN())
			assumed := steps["assumed"]
			if arn := fmt.Sprint(assumed["arn"]); !strings.HasPrefix(arn, fmt.Sprintf("acs:ram::%d:assumed-role/reader/", who.account)) || assumed["code"] != "" {
				t.Errorf("with the credentials: %v", assumed)
			}
			if id := fmt.Sprint(assumed["accessKeyId"]); !strings.HasPrefix(id, chancery.SessionKeyPrefix) {
				t.Errorf("the temporary key is %s", id)
			}
			if without := steps["without token"]; without["code"] != "MissingSecurityToken" {
				t.Errorf("without the token: %v", without)
			}
		})
	}
}

// Clients that retry get through throttling by themselves, the others tell of it.
func TestThrottlingAndOfficialClients(t *testing.T) {
	t.Parallel()
	s := startLight(t, "--rates", file(t, "rates.yaml", "DescribePackageState: {rate: 4, burst: 2}\n"))
	for _, c := range accessClients(t) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.needs(t)
			who := s.tenant(t, chancery.DefaultProduct, 1)
			const calls = 6
			got := c.run(t, s, who.key, fmt.Sprint("CHANCERY_CALLS=", calls))["throttled"]
			throttled := s.countLog(t, map[string]any{"access_key": who.key.AccessKeyID, "code": "Throttling.User"})
			if throttled == 0 {
				t.Fatal("nothing was throttled")
			}
			failed, _ := got["failed"].(float64)
			if c.retries && failed > 0 {
				t.Errorf("it retries, and failed: %v; %d of its requests were throttled", got, throttled)
			}
			if !c.retries && (got["code"] != "Throttling.User" || int(failed) != throttled) {
				t.Errorf("it does not retry, and tells %v; %d of its requests were throttled", got, throttled)
			}
		})
	}
}

// A file of rates that cannot be read keeps the service from starting.
func TestBadRates(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"NoSuchOperation: {rate: 1}\n": "NoSuchOperation",
		"ListCsr: {rate: -1}\n":        "ListCsr",
	} {
		done := finish(t, nil, program, "serve", "--data-dir", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--rates", file(t, "rates.yaml", text))
		if done.status == 0 || !strings.Contains(done.stderr, "rates") || !strings.Contains(done.stderr, says) {
			t.Errorf("status %d: %s", done.status, done.stderr)
		}
	}
}

// countLog counts the log's events that have these fields.
func (s *service) countLog(t testing.TB, fields map[string]any) (n int) {
	t.Helper()
	for text := range strings.Lines(s.stderr.String()) {
		var event map[string]any
		if json.Unmarshal([]byte(text), &event) != nil {
			continue
		}
		matches := true
		for name, value := range fields {
			matches = matches && event[name] == value
		}
		if matches {
			n++
		}
	}
	return n
}

// write stops the service, writes to its data, and starts it again.
func (s *service) write(t testing.TB, fn func(chancery.Tx) error) {
	t.Helper()
	s.stop(t)
	opened, err := store.Open(context.Background(), filepath.Join(s.dir, "chancery.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
		s.launch(t)
	}()
	err = opened.Unlock(context.Background(), keyring.KeyFile(filepath.Join(s.dir, "keyring.key"), false))
	if err == nil {
		err = opened.Write(context.Background(), fn)
	}
	if err != nil {
		t.Fatal(err)
	}
}
