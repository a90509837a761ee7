package acme

import "testing"

func run(m *testing.M) int { return m.Run() }
