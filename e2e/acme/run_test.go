package acme

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var buildDir string

// run removes what the tests built.
func run(m *testing.M) int {
	var err error
	if buildDir, err = os.MkdirTemp("", "chancery-acme-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(buildDir) }()
	return m.Run()
}

// program is the service's binary with its named points and the race detector,
// built once.
var program = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(buildDir, "chancery")
	output, err := exec.Command("go", "build", "-race", "-tags", "failpoint", "-o", binary, "chancery/cmd/chancery").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the service: %w\n%s", err, output)
	}
	return binary, nil
})
