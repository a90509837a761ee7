//go:build failpoint

// Package failpoint lets crash tests end the process at a named point of an
// order's life. Only binaries built with the tag "failpoint" hold it; in every
// other build Hit is empty and the compiler removes the call.
package failpoint

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// CHANCERY_FAILPOINT is "name" or "name:n": the process is killed, as by
// kill -9, the n-th time the point is reached.
var (
	armed, after = parse(os.Getenv("CHANCERY_FAILPOINT"))
	reached      atomic.Int64
)

func parse(text string) (string, int64) {
	name, count, found := strings.Cut(text, ":")
	if !found {
		return name, 1
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil {
		panic("CHANCERY_FAILPOINT: " + err.Error())
	}
	return name, n
}

// Hit kills the process if this point is armed and its turn has come.
func Hit(name string) {
	if name == armed && reached.Add(1) == after {
		_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
		select {} // nothing after the point may run while the signal is on its way
	}
}
