//go:build !failpoint

// Package failpoint lets crash tests end or freeze the process at a named point of an
// order's life; in this build it does nothing.
package failpoint

// Hit does nothing in this build.
func Hit(string) {}
