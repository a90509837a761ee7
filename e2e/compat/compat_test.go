// Package compat walks the ways of real clients through the whole service: what
// each sends, in its own signature scheme and with its parameters where it puts
// them, and the very fields that it reads from the answers. A file for each
// client; what they are made of stands in files of its own:
//
//	script  one client's way of sending, and readers that insist on a type
//	notyet  what is not served yet
//
// The clients themselves, as far as they are official, run in package e2e.
package compat

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
