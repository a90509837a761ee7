package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"

	"chancery/internal/service"
)

// Every setting tells where its value came from.
func TestSettingsTellTheirSource(t *testing.T) {
	var config service.Config
	command := &cobra.Command{Use: "serve"}
	config.Flags(command.Flags(), "data")
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("proof-window: 12h\nissuer: [a=b, c=d]\nlog-level: debug\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CHANCERY_LOG_LEVEL", "warn")
	if err := command.ParseFlags([]string{"--listen", "127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	if err := configure(command, file); err != nil {
		t.Fatal(err)
	}
	want := map[string][2]string{
		"listen": {"127.0.0.1:1", "flag"}, "log-level": {"warn", "environment"}, "proof-window": {"12h0m0s", "file"},
		"issuer": {"a=b, c=d", "file"}, "data-dir": {"data", "default"}, "dcv-allow": {"", "default"},
	}
	for _, s := range settingsOf(command.Flags()) {
		if w, ok := want[s.Name]; ok && (s.Value != w[0] || s.Source != w[1]) {
			t.Errorf("%s is %q from %s, not %q", s.Name, s.Value, s.Source, w)
		}
		delete(want, s.Name)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
