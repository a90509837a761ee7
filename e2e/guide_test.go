package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"chancery"
	"chancery/internal/pgtest"
)

// TestOperationsGuide runs the commands of docs/operations-guide.md that are marked
// so, in their order, with paths of the system in a directory of the test's.
func TestOperationsGuide(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "docs", "operations-guide.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := map[string][]string{}
	for _, block := range regexp.MustCompile("(?s)<!-- run: (\\w+) -->\n```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		blocks[block[1]] = append(blocks[block[1]], block[2])
	}
	root := t.TempDir()
	var environment []string
	run := func(kind string) {
		t.Helper()
		if len(blocks[kind]) == 0 {
			t.Errorf("the guide has no commands to run of kind %s", kind)
		}
		for _, block := range blocks[kind] {
			block = regexp.MustCompile(`(/usr/bin|/etc/chancery|/var/lib/chancery)`).ReplaceAllString(block, root+"$1")
			block = strings.NewReplacer("sudo ", "", " bin/chancery ", " "+program+" ").Replace(block)
			shell := exec.CommandContext(soon(t), "bash", "-euo", "pipefail", "-c", block)
			shell.Dir = ".."
			shell.Env = append(append(os.Environ(), "PATH="+root+"/usr/bin:"+os.Getenv("PATH")), environment...)
			if output, err := shell.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s\n%s", err, block, output)
			}
		}
	}
	for _, dir := range []string{"usr/bin", "var/lib"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run("install")
	config := filepath.Join(root, "etc/chancery/chancery.yaml")
	settings, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"listen", "metrics-listen"} {
		settings = regexp.MustCompile(`(?m)^`+setting+`: .*$`).ReplaceAll(settings, []byte(setting+": 127.0.0.1:0"))
	}
	settings = []byte(strings.ReplaceAll(string(settings), "/var/lib/chancery", root+"/var/lib/chancery"))
	if err := os.WriteFile(config, settings, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &service{dir: filepath.Join(root, "var/lib/chancery")}
	s.flags = []string{"serve", "--config", config, "--data-dir", s.dir, "--keyring-key-file", filepath.Join(root, "etc/chancery/keyring.key"), "--log-format", "json"}
	s.operator = []string{"--keyring-key-file", filepath.Join(root, "etc/chancery/keyring.key")}
	s.launch(t)
	t.Cleanup(func() { s.examine(t) })
	s.readCredentials(t, filepath.Join(s.dir, "credentials.json"))
	for i := range blocks["running"] { // it took another port
		blocks["running"][i] = strings.ReplaceAll(blocks["running"][i], "127.0.0.1:8281", hostOf(t, s.metrics))
	}
	environment = []string{"CHANCERY_METRICS_LISTEN=" + hostOf(t, s.metrics)}
	run("running")

	// The owner of an empty database, on a server whose superuser has the name that
	// the guide gives to the nodes.
	server := pgtest.Own(t)
	if err := server.Create("chancery"); err != nil {
		t.Fatal(err)
	}
	database := server.URL("chancery")
	for i, block := range blocks["database"] {
		blocks["database"][i] = strings.NewReplacer("ROLE chancery", "ROLE node", "TO chancery", "TO node").Replace(block)
	}
	environment = []string{"PGHOST=" + server.Host(), "PGUSER=chancery", "OWNER_DATABASE=" + database}
	run("database")
	run("migrate")
	key := filepath.Join(root, "etc/chancery/keyring.key")
	asNode := strings.Replace(database, "user=chancery", "user=node", 1)
	node := newService(t, "--database", asNode, "--keyring-key-file", key, "--products", file(t, "products.json", lightProducts))
	node.operator = []string{"--database", asNode, "--keyring-key-file", key}
	node.launch(t)
	t.Cleanup(func() { node.examine(t) })
	node.key = node.readCredentials(t, node.credentials())
	who := node.tenant(t, chancery.DefaultProduct, 1)
	openAPI.apply(t, node, order{name: "www.guide.test", method: "DNS", who: who})
	run("migrate") // while it runs
}
