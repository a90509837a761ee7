package checks

import (
	"fmt"
	"strings"
	"testing"
)

// TestSettings: values of proxies and notices become settings of the nodes when they are
// given, and only then. The password of the mail server is in no setting.
func TestSettings(t *testing.T) {
	const least = "a database with a password"
	names := []string{"trusted-proxy", "console-url", "notice-allow", "smtp-url", "smtp-from"}
	render := func(more string) (map[string]any, string) {
		files, err := render(t, installations[least].values+more)
		if err != nil {
			t.Fatal(err)
		}
		return parse(t, files).settings(t), files["chancery/templates/deployment.yaml"]
	}
	settings, deployment := render("")
	for _, name := range names {
		if value, given := settings[name]; given {
			t.Errorf("%s is %v, which no value says", name, value)
		}
	}
	if strings.Contains(deployment, smtpPassword) {
		t.Error("nodes have the password of a mail server")
	}
	settings, deployment = render(`
trustedProxies: [10.0.0.0/8, 192.0.2.1/32]
consoleURL: https://certificates.example.com
notices:
  allow: [10.1.0.0/16]
  smtp: {url: "smtps://chancery@mail.example.com", from: chancery@example.com, existingSecret: mail}
`)
	for i, want := range []string{"[10.0.0.0/8 192.0.2.1/32]", "https://certificates.example.com", "[10.1.0.0/16]", "smtps://chancery@mail.example.com", "chancery@example.com"} {
		if got := fmt.Sprint(settings[names[i]]); got != want {
			t.Errorf("%s is %s, want %s", names[i], got, want)
		}
	}
	if !strings.Contains(deployment, `secretKeyRef: {name: "mail", key: "password"}`) {
		t.Error("nodes have no password of the mail server")
	}
}
