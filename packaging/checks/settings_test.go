package checks

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	goyaml "go.yaml.in/yaml/v3"
)

// TestImage compares the image's environment with what `chancery serve` knows, and
// sees that it needs neither root nor a shell.
func TestImage(t *testing.T) {
	text, err := os.ReadFile("../docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	_, final, found := strings.Cut(string(text), "\nFROM scratch\n")
	if !found {
		t.Fatal("the image is not made from nothing")
	}
	variables := slices.Collect(maps.Values(knownSettings(t)))
	for _, variable := range regexp.MustCompile(`\bCHANCERY_[A-Z_]+`).FindAllString(final, -1) {
		if !slices.Contains(variables, variable) {
			t.Errorf("there is no setting %s", variable)
		}
	}
	for _, want := range []string{"\nUSER 65532:65532\n", "\nVOLUME /var/lib/chancery\n", `CMD ["chancery", "healthcheck"]`, `ENTRYPOINT ["chancery"]`, "/etc/ssl/certs/ca-certificates.crt"} {
		if !strings.Contains(final, want) {
			t.Errorf("the image has no %s", strings.TrimSpace(want))
		}
	}
	if strings.Contains(final, "\nRUN") {
		t.Error("there is no shell to run that")
	}
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(module)
	if !strings.Contains(string(text), "FROM golang:"+string(version[1])+"-") {
		t.Errorf("the image is built with another Go than %s", version[1])
	}
}

// TestUnit does the same for the systemd unit and its settings.
func TestUnit(t *testing.T) {
	settings := knownSettings(t)
	unit, err := os.ReadFile("../systemd/chancery.service")
	if err != nil {
		t.Fatal(err)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=(.*)$`).FindSubmatch(unit)
	if start == nil {
		t.Fatal("the unit starts nothing")
	}
	for _, flag := range regexp.MustCompile(`--([a-z-]+)`).FindAllSubmatch(start[1], -1) {
		if _, known := settings[string(flag[1])]; !known && string(flag[1]) != "config" {
			t.Errorf("there is no flag --%s", flag[1])
		}
	}
	text, err := os.ReadFile("../systemd/chancery.yaml")
	if err != nil {
		t.Fatal(err)
	}
	// What is a comment is to be right as well.
	text = regexp.MustCompile(`(?m)^# ([a-z-]+: \S+)$`).ReplaceAll(text, []byte("$1"))
	var given map[string]any
	if err := goyaml.Unmarshal(text, &given); err != nil {
		t.Fatal(err)
	}
	if len(given) < 5 {
		t.Errorf("only %v", given)
	}
	for setting := range given {
		if _, known := settings[setting]; !known {
			t.Errorf("there is no setting %q", setting)
		}
	}
}
