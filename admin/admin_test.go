package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chancery"
	"chancery/store"
)

// TestEveryCall makes each call of the table in both ways: what one makes, the
// other sees.
func TestEveryCall(t *testing.T) {
	i := newInstance(t)
	i.Settings = []Setting{{Name: "database", Value: "postgres://ada:secret@db/x"}}
	made := map[string]bool{}
	call := func(name string) string { made[name] = true; return name }
	for way, caller := range i.ways() {
		t.Run(way, func(t *testing.T) {
			account := must[Account](t, caller, call("account.create"), NewAccount{Name: way})
			if account.Name != way || !account.CreatedAt.Equal(noon) || account.ID == 0 {
				t.Errorf("the account is %+v", account)
			}
			key := must[AccessKey](t, caller, call("accesskey.create"), NewAccessKey{AccountID: account.ID})
			if err := chancery.CheckAccessKey(key.ID, chancery.NewSecret([]byte(key.Secret))); err != nil || key.AccountID != account.ID || key.Disabled {
				t.Errorf("the access key is %+v, %v", key, err)
			}
			plan := must[Plan](t, caller, call("plan.grant"), Grant{AccountID: account.ID, Count: 3})
			seen := key
			seen.Secret = ""
			for other, caller := range i.ways() {
				if all := must[[]Account](t, caller, call("account.list"), Nothing{}); !slices.Contains(all, account) {
					t.Errorf("%s the accounts are %+v", other, all)
				}
				same(t, other, must[[]AccessKey](t, caller, call("accesskey.list"), AccountName{account.ID}), []AccessKey{seen})
				same(t, other, must[[]Plan](t, caller, call("plan.list"), AccountName{account.ID}), []Plan{plan})
				report := must[store.Report](t, caller, call("doctor"), Nothing{})
				same(t, other, must[[]Review](t, caller, call("review.list"), Nothing{}), []Review{})
				for _, name := range []string{"review.show", "review.approve", "review.reject"} {
					if err := caller.Call(ctx, call(name), Decision{OrderID: 7, Reason: "why"}, &Review{}); err == nil || !strings.Contains(err.Error(), "no order 7") {
						t.Errorf("%s %s: %v", other, name, err)
					}
				}
				if revoked := must[RevokedCertificates](t, caller, call("certificate.revoke"), RevokeCertificates{Serials: []string{"00"}}); len(revoked.Unknown) != 1 {
					t.Errorf("%s a serial nobody knows: %+v", other, revoked)
				}
				same(t, other, must[[]Authority](t, caller, call("authority.list"), Nothing{}), []Authority{})
				same(t, other, must[[]LateCRL](t, caller, call("authority.late"), Nothing{}), []LateCRL{})
				if shown := must[[]Setting](t, caller, call("settings.list"), Nothing{}); len(shown) != 1 || shown[0].Value != "postgres://ada:"+hidden+"@db/x" {
					t.Errorf("%s the settings are %+v", other, shown)
				}
				theIssuers(t, other, caller, call)
				if report.Checks == 0 || report.Rows == 0 || report.Problems == nil || len(report.Problems) > 0 {
					t.Errorf("%s the doctor says %+v", other, report)
				}
			}
			callAboutAccess(t, i, caller, account.ID, call)
			theSteps(t, i, caller, account.ID, call)
			theNotices(t, i, caller, account.ID, call)
			must[Nothing](t, caller, call("accesskey.disable"), AccessKeyName{account.ID, key.ID})
			seen.Disabled = true
			for other, caller := range i.ways() {
				same(t, other, must[[]AccessKey](t, caller, "accesskey.list", AccountName{account.ID}), []AccessKey{seen})
			}
		})
	}
	for way, caller := range i.ways() {
		theKeyring(t, way, caller, call)
	}
	same(t, "the calls that were made", slices.Sorted(maps.Keys(made)), slices.Sorted(maps.Keys(calls())))
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("%s (- wanted, + is):\n%s", what, difference)
	}
}

// TestRefusals makes calls that must fail, in both ways, with the same words,
// and looks that they left nothing.
func TestRefusals(t *testing.T) {
	i := newInstance(t)
	account := must[Account](t, i.Admin, "account.create", NewAccount{}).ID
	key := must[AccessKey](t, i.Admin, "accesskey.create", NewAccessKey{AccountID: account})
	other := must[Account](t, i.Admin, "account.create", NewAccount{}).ID
	const secret = "a-secret-to-take-over"
	past, now := noon.Add(-time.Hour), noon
	before := snapshot(t, i, account, other)
	for _, c := range []struct {
		name string
		call string
		in   any
		why  string
	}{
		{"a key of an unknown account", "accesskey.create", NewAccessKey{AccountID: 404}, "there is no account 404"},
		{"keys of an unknown account", "accesskey.list", AccountName{404}, "there is no account 404"},
		{"plans of an unknown account", "plan.list", AccountName{404}, "there is no account 404"},
		{"a plan for an unknown account", "plan.grant", Grant{AccountID: 404, Count: 1}, "there is no account 404"},
		{"a key of an unknown account disabled", "accesskey.disable", AccessKeyName{404, key.ID}, "there is no account 404"},
		{"a key of one of two accounts", "accesskey.create", NewAccessKey{}, "there are 2 accounts; name one with --account"},
		{"keys of one of two accounts", "accesskey.list", AccountName{}, "there are 2 accounts"},
		{"an unknown key disabled", "accesskey.disable", AccessKeyName{account, "nobody"}, "the account has no access key nobody"},
		{"another account's key disabled", "accesskey.disable", AccessKeyName{other, key.ID}, "the account has no access key " + key.ID},
		{"a key taken over with an id that is in use", "accesskey.create", NewAccessKey{AccountID: account, ID: key.ID, Secret: secret}, "is in use already"},
		{"the same by another account", "accesskey.create", NewAccessKey{AccountID: other, ID: key.ID, Secret: secret}, "is in use already"},
		{"a key taken over without a secret", "accesskey.create", NewAccessKey{AccountID: account, ID: "LTAI4Gtestid", Secret: ""}, "secret has 16 to 256"},
		{"a key taken over without an id", "accesskey.create", NewAccessKey{AccountID: account, ID: "", Secret: secret}, "id has 8 to 128"},
		{"a key taken over with a short id", "accesskey.create", NewAccessKey{AccountID: account, ID: "LTAI", Secret: secret}, "id has 8 to 128"},
		{"a key taken over with a strange id", "accesskey.create", NewAccessKey{AccountID: account, ID: "LTAI4G/../x", Secret: secret}, "id has 8 to 128"},
		{"a key taken over with a short secret", "accesskey.create", NewAccessKey{AccountID: account, ID: "LTAI4Gtestid", Secret: "short"}, "secret has 16 to 256"},
		{"a key taken over with a line break in its secret", "accesskey.create", NewAccessKey{AccountID: account, ID: "LTAI4Gtestid", Secret: secret + "\n"}, "secret has 16 to 256"},
		{"no units", "plan.grant", Grant{AccountID: account}, "1 to 1000000000 units, not 0"},
		{"fewer than no units", "plan.grant", Grant{AccountID: account, Count: -1}, "1 to 1000000000 units, not -1"},
		{"too many units", "plan.grant", Grant{AccountID: account, Count: chancery.MaxGrant + 1}, "1 to 1000000000 units, not 1000000001"},
		{"an unknown product", "plan.grant", Grant{AccountID: account, ProductCode: "none", Count: 1}, "the products are"},
		{"a plan that has ended", "plan.grant", Grant{AccountID: account, Count: 1, ExpiresAt: &past}, "would have ended on 2026-11-23T11:00:00Z already"},
		{"a plan that ends now", "plan.grant", Grant{AccountID: account, Count: 1, ExpiresAt: &now}, "would have ended on 2026-11-23T12:00:00Z already"},
		{"an unknown call", "account.delete", Nothing{}, `does not know "account.delete"`},
		{"no call", "", Nothing{}, `does not know ""`},
		{"a number for a name", "account.create", map[string]int{"name": 7}, "reading the input"},
		{"a list for an object", "account.create", []string{}, "reading the input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var words []string
			for way, caller := range i.ways() {
				var out json.RawMessage
				err := caller.Call(ctx, c.call, c.in, &out)
				if err == nil || !strings.Contains(err.Error(), c.why) {
					t.Fatalf("%s: %s, %v; want %q", way, out, err, c.why)
				}
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s the error holds the secret", way)
				}
				words = append(words, err.Error())
			}
			if words[0] != words[1] {
				t.Errorf("the two ways say %q", words)
			}
		})
	}
	same(t, "what is left", snapshot(t, i, account, other), before)
}

func snapshot(t *testing.T, i *instance, accounts ...chancery.AccountID) (all []string) {
	t.Helper()
	all = append(all, asJSON(t, must[[]Account](t, i.Admin, "account.list", Nothing{})))
	for _, account := range accounts {
		all = append(all, asJSON(t, must[[]AccessKey](t, i.Admin, "accesskey.list", AccountName{account})))
		all = append(all, asJSON(t, must[[]Plan](t, i.Admin, "plan.list", AccountName{account})))
	}
	return all
}

// TestTheAccountThatIsMeant: 0 is the only account there is.
func TestTheAccountThatIsMeant(t *testing.T) {
	i := newInstance(t)
	for _, name := range []string{"accesskey.create", "accesskey.list", "plan.list"} {
		var out json.RawMessage
		if err := i.Call(ctx, name, Nothing{}, &out); err == nil || !strings.Contains(err.Error(), "there are 0 accounts") {
			t.Errorf("%s without an account: %s, %v", name, out, err)
		}
	}
	account := must[Account](t, i.Admin, "account.create", NewAccount{}).ID
	key := must[AccessKey](t, i.Admin, "accesskey.create", NewAccessKey{})
	plan := must[Plan](t, i.Admin, "plan.grant", Grant{Count: 1})
	if key.AccountID != account || plan.AccountID != account {
		t.Errorf("key %+v and plan %+v are not of account %d", key, plan, account)
	}
	if keys := must[[]AccessKey](t, i.Admin, "accesskey.list", AccountName{}); len(keys) != 1 {
		t.Errorf("the keys are %+v", keys)
	}
	must[Nothing](t, i.Admin, "accesskey.disable", AccessKeyName{ID: key.ID})
}

func TestAKeyThatIsTakenOver(t *testing.T) {
	i := newInstance(t)
	must[Account](t, i.Admin, "account.create", NewAccount{})
	pair := NewAccessKey{ID: "LTAI4Gtest.id_-", Secret: "0123456789abcdef"}
	for way, caller := range i.ways() {
		pair.ID += way[:1]
		got := must[AccessKey](t, caller, "accesskey.create", pair)
		if got.ID != pair.ID || got.Secret != pair.Secret {
			t.Errorf("%s the key is %+v", way, got)
		}
		err := i.Store.Read(ctx, func(tx chancery.Tx) error {
			key, err := tx.AccessKey(pair.ID)
			if err == nil && string(key.Secret.Reveal()) != pair.Secret {
				t.Errorf("%s it is kept with another secret", way)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestWhenAPlanEnds(t *testing.T) {
	i := newInstance(t)
	i.Catalogue = append(i.Catalogue, chancery.Product{Code: "endless"})
	must[Account](t, i.Admin, "account.create", NewAccount{})
	until := func(when time.Time) *time.Time { return &when }
	inAYear, soon := noon.AddDate(0, 0, 365), noon.Add(time.Millisecond)
	for _, c := range []struct {
		name string
		in   Grant
		want *time.Time
	}{
		{"after the product's term", Grant{}, &inAYear},
		{"never, as the product's do", Grant{ProductCode: "endless"}, nil},
		{"when it is told to", Grant{ExpiresAt: &soon}, &soon},
		{"when it is told to, in another zone", Grant{ExpiresAt: until(soon.In(time.FixedZone("east", 8*60*60)))}, &soon},
		{"when it is told to, of a product without end", Grant{ProductCode: "endless", ExpiresAt: &soon}, &soon},
	} {
		c.in.Count = chancery.MaxGrant
		granted := must[Plan](t, i.socket, "plan.grant", c.in)
		listed := must[[]Plan](t, i.socket, "plan.list", AccountName{})
		if !slices.ContainsFunc(listed, func(p Plan) bool { return cmp.Equal(p, granted) }) {
			t.Errorf("%s: %+v was granted, and %+v are there", c.name, granted, listed)
		}
		if granted.Total != chancery.MaxGrant || granted.Used != 0 || !granted.GrantedAt.Equal(noon) || !cmp.Equal(granted.ExpiresAt, c.want) {
			t.Errorf("%s: %s", c.name, asJSON(t, granted))
		}
	}
	if granted := must[Plan](t, i.socket, "plan.grant", Grant{Count: 1}); granted.ProductCode != chancery.DefaultProduct {
		t.Errorf("without a product it is of %s", granted.ProductCode)
	}
}

// TestSecretsLeaveOnce: only the answer that makes a key holds its secret.
func TestSecretsLeaveOnce(t *testing.T) {
	i := newInstance(t)
	account := must[Account](t, i.socket, "account.create", NewAccount{Name: "a"}).ID
	secret := must[AccessKey](t, i.socket, "accesskey.create", NewAccessKey{AccountID: account}).Secret
	if secret == "" {
		t.Fatal("there is no secret")
	}
	for name := range calls() {
		for way, caller := range i.ways() {
			var out json.RawMessage
			in := map[string]any{"accountId": account, "name": "x", "count": 1}
			err := caller.Call(ctx, name, in, &out)
			text := string(out) + fmt.Sprint(err)
			if strings.Contains(text, secret) {
				t.Errorf("%s %s gives the secret: %s", name, way, text)
			}
			if (name == "accesskey.create") != strings.Contains(text, "accessKeySecret") {
				t.Errorf("%s %s: %s", name, way, text)
			}
		}
	}
}
