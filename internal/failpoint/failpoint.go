//go:build failpoint

// Package failpoint lets crash tests end or freeze the process at a named point
// of an order's life. Only binaries built with the tag "failpoint" hold it; in
// every other build Hit is empty and the compiler removes the call.
package failpoint

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// CHANCERY_FAILPOINT names a file, which a test writes when it wants a point
// armed and which is read whenever a point is reached. It holds an Order's text.
// Who acts on it renames it first, so that of all processes and goroutines with the
// same file one does; what it is called then (Acted) holds the process's id.
var (
	file    = os.Getenv("CHANCERY_FAILPOINT")
	mu      sync.Mutex // guards reached
	reached = map[string]int{}
)

// Hit kills or freezes the process if this point is armed and its turn has come.
func Hit(name string) {
	if file == "" {
		return
	}
	text, err := os.ReadFile(file) //nolint:gosec // the test that started us named it
	if err != nil || !turn(name, string(text)) || os.Rename(file, Acted(file)) != nil {
		return
	}
	_ = os.WriteFile(Acted(file), []byte(strconv.Itoa(os.Getpid())), 0o600) //nolint:gosec // likewise
	if strings.HasSuffix(string(text), string(Freeze)) {
		freeze()
		return // somebody sent SIGCONT
	}
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {} // nothing after the point may run while the signal is on its way
}

// freeze stops the process here. The signal is for this very thread: one for the
// process goes to whichever thread the kernel picks, and on a busy machine this one may
// be past the point, with its commit done, before that one has had a processor.
func freeze() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_, _, _ = syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(syscall.Gettid()), uintptr(syscall.SIGSTOP))
}

// turn counts how often an armed point is reached.
func turn(name, text string) bool {
	fields := strings.Fields(text)
	if len(fields) != 3 || fields[0] != name {
		return false
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil {
		return false
	}
	mu.Lock()
	defer mu.Unlock()
	reached[text]++
	if reached[text] < n {
		return false
	}
	delete(reached, text)
	return true
}
