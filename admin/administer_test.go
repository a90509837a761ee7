package admin

import (
	"strings"
	"testing"

	"chancery"
)

// Every call of an account's administration is one of the table, and is about the
// actor's account whatever account its input names.
func TestAdministerIsConfined(t *testing.T) {
	i := newInstance(t)
	mine, err := i.CreateAccount(ctx, NewAccount{Name: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := i.CreateAccount(ctx, NewAccount{Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	actor := Actor{Principal: chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: mine.ID}}
	for call := range administration {
		if !Known(call) {
			t.Errorf("there is no call %s", call)
		}
		fields, err := confined(map[string]any{"accountId": other.ID, "operator": true, "name": "x"}, mine.ID)
		if err != nil || string(fields["accountId"]) != accountName(mine.ID) || fields["operator"] != nil || string(fields["name"]) != `"x"` {
			t.Errorf("%s is confined to %s, %v", call, fields, err)
		}
	}
	var made User
	if err := i.Administer(ctx, actor, nil, "user.create", NewUser{AccountID: other.ID, Name: "ada"}, &made); err != nil || made.AccountID != mine.ID {
		t.Errorf("the user is of account %d, not %d: %v", made.AccountID, mine.ID, err)
	}
	for _, call := range []string{"account.list", "plan.grant", "review.approve", "audit.read", "console.link", "policy.create", "doctor"} {
		if err := i.Administer(ctx, actor, nil, call, Nothing{}, new(any)); err == nil || !strings.Contains(err.Error(), "no call for") {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func accountName(id chancery.AccountID) string {
	text, _, _ := strings.Cut(chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: id}.ARN()[len("acs:ram::"):], ":")
	return text
}

// What settings hold that may be a secret is shown to nobody.
func TestSettingsWithoutSecrets(t *testing.T) {
	for value, want := range map[string]string{
		"":                                    "",
		"127.0.0.1:8280":                      "127.0.0.1:8280",
		"24h0m0s":                             "24h0m0s",
		"postgres://user@host/name":           "postgres://user@host/name",
		"postgres://user:s3cret@host/name":    "postgres://user:" + hidden + "@host/name",
		"postgres://user:s3c@ret@host/n":      "postgres://user:" + hidden + "@host/n",
		"postgres://user:%zz@host/name":       "postgres://" + hidden + "@host/name",
		"postgres://h/n?password=s3cret&a=b":  "postgres://h/n?password=" + hidden + "&a=b",
		"host=db user=u password='s3 cret' x": "host=db user=u password=" + hidden + " x",
		"host=db PASSWORD = s3cret":           "host=db PASSWORD = " + hidden,
	} {
		if got := WithoutSecrets(value); got != want || strings.Contains(got, "s3c") {
			t.Errorf("%q is shown as %q, not %q", value, got, want)
		}
	}
	shown, err := (&Admin{Settings: []Setting{{Name: "database", Value: "postgres://u:s3cret@h/n", Default: "x"}}}).ListSettings(ctx, Nothing{})
	if err != nil || strings.Contains(shown[0].Value, "s3cret") {
		t.Errorf("%+v, %v", shown, err)
	}
}
