package cas_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

func addContact(env *testenv.Env, in cas.CreateContactInput) int64 {
	var out cas.ContactIDOutput
	env.Call("CreateContact", in).Decode(&out)
	return out.ContactId
}

func TestContacts(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	id := addContact(env, cas.CreateContactInput{
		Name: "Tom", Mobile: "1390000****", Email: "username@example.com", Idcard: "4711",
		Webhooks: `["https://hook.example.com/a", {"url":"x"}]`,
	})
	want := cas.ContactDetail{
		ContactId: id, Name: "Tom", Email: "username@example.com", EmailStatus: 1, Mobile: "1390000****", MobileStatus: 1, IdCard: "4711",
		Webhooks: `["https://hook.example.com/a", {"url":"x"}]`, WebhookList: []string{"https://hook.example.com/a", `{"url":"x"}`},
	}
	var got cas.ContactDetail
	env.Call("GetContact", cas.GetContactInput{ContactId: id}).Decode(&got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	var list cas.ListContactOutput
	env.Call("ListContact", cas.ListContactInput{Keyword: "USERNAME@"}).Decode(&list)
	want.IdCard = ""
	envelope := cas.ListContactOutput{ContactList: []cas.ContactDetail{want}, Keyword: "USERNAME@", CurrentPage: 1, ShowSize: 20, TotalCount: 1}
	if diff := cmp.Diff(envelope, list); diff != "" {
		t.Error(diff)
	}

	// What is not given stays.
	env.Call("UpdateContact", cas.UpdateContactInput{ContactId: id, Name: "Ada", Webhooks: "[]"}).Decode(&cas.ContactIDOutput{})
	want.Name, want.Webhooks, want.WebhookList, want.IdCard = "Ada", "[]", []string{}, "4711"
	got = cas.ContactDetail{}
	env.Call("GetContact", cas.GetContactInput{}).Decode(&got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	env.Call("UpdateContact", cas.UpdateContactInput{ContactId: id, Mobile: "+86 (571) 8888-0000", Email: "ada@example.com", Idcard: "1"}).
		Decode(&cas.ContactIDOutput{})
	got = cas.ContactDetail{}
	env.Call("GetContact", cas.GetContactInput{ContactId: id}).Decode(&got)
	if got.Mobile != "+86 (571) 8888-0000" || got.Email != "ada@example.com" || got.IdCard != "1" || got.Name != "Ada" {
		t.Errorf("%+v", got)
	}

	env.Call("DeleteContact", cas.ContactInput{ContactId: id}).Decode(&cas.Done{})
	refuses(t, env, "DeleteContact", map[string]string{"ContactId": strconv.FormatInt(id, 10)}, chancery.NotFound)
	refuses(t, env, "GetContact", nil, chancery.NotFound)
}

// The fields that clients read are there when there is nothing to tell.
func TestContactWithoutMuch(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	addContact(env, cas.CreateContactInput{Name: "Tom", Mobile: "1"})
	body := env.Call("ListContact", cas.ListContactInput{}).Body
	for _, want := range []string{
		`"Email":""`, `"EmailStatus":0`, `"MobileStatus":1`, `"Webhooks":""`, `"WebhookList":[]`, `"Keyword":""`, `"TotalCount":1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if body := env.NewAccount().Call("ListContact", cas.ListContactInput{}).Body; !strings.Contains(body, `"ContactList":[]`) {
		t.Error(body)
	}
}

func TestContactRefuses(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	id := strconv.FormatInt(addContact(env, cas.CreateContactInput{Name: "Tom", Mobile: "139"}), 10)
	good := map[string]string{"Name": "Tom", "Mobile": "139"}
	for name := range good {
		refuses(t, env, "CreateContact", with(good, name, ""), chancery.MissingParameter)
	}
	for _, tt := range []struct {
		name, value string
		code        chancery.Code
	}{
		{"Mobile", "none", chancery.MobileIllegal},
		{"Mobile", "****", chancery.MobileIllegal},
		{"Mobile", "139\n", chancery.MobileIllegal},
		{"Mobile", strings.Repeat("1", 33), chancery.MobileIllegal},
		{"Name", "a\x00b", chancery.InvalidParameter},
		{"Name", strings.Repeat("n", 257), chancery.InvalidParameter},
		{"Email", "nobody", chancery.InvalidParameter},
		{"Email", "Ada <ada@example.com>", chancery.InvalidParameter},
		{"Email", "a@b, c@d", chancery.InvalidParameter},
		{"Email", strings.Repeat("e", 250) + "@example.com", chancery.InvalidParameter},
		{"Idcard", strings.Repeat("i", 65), chancery.InvalidParameter},
		{"Webhooks", "https://hook.example.com", chancery.InvalidParameter},
		{"Webhooks", `{"a":1}`, chancery.InvalidParameter},
		{"Webhooks", `["` + strings.Repeat("w", 4096) + `"]`, chancery.InvalidParameter},
	} {
		refuses(t, env, "CreateContact", with(good, tt.name, tt.value), tt.code)
		refuses(t, env, "UpdateContact", map[string]string{"ContactId": id, tt.name: tt.value}, tt.code)
	}
	refuses(t, env, "UpdateContact", good, chancery.MissingParameter)
	refuses(t, env, "DeleteContact", nil, chancery.MissingParameter)
	refuses(t, env, "ListContact", map[string]string{"Keyword": strings.Repeat("k", 257)}, chancery.InvalidParameter)
}

func TestContactsOfOthers(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	id := addContact(env, cas.CreateContactInput{Name: "Tom", Mobile: "139"})
	seemsAbsent(t, env, id, map[string]func(id int64) any{
		"GetContact":    func(id int64) any { return cas.GetContactInput{ContactId: id} },
		"UpdateContact": func(id int64) any { return cas.UpdateContactInput{ContactId: id, Name: "Eve"} },
		"DeleteContact": func(id int64) any { return cas.ContactInput{ContactId: id} },
	})
}

// seemsAbsent fails the test unless calls of another account about an id get what
// they get about an id that does not exist, byte for byte, and change nothing.
func seemsAbsent(t *testing.T, env *testenv.Env, id int64, calls map[string]func(id int64) any) {
	t.Helper()
	const missing = 4711
	other, before := env.NewAccount(), env.Dump()
	for action, input := range calls {
		there, nowhere := other.Call(action, input(id)), other.Call(action, input(missing))
		want := strings.ReplaceAll(nowhere.WithoutRequestID(), strconv.Itoa(missing), strconv.FormatInt(id, 10))
		if there.Status != http.StatusNotFound || there.WithoutRequestID() != want || !strings.Contains(there.Message(), "NotFound") {
			t.Errorf("%s: HTTP %d %s; want %s", action, there.Status, there.Body, want)
		}
	}
	if diff := cmp.Diff(before, env.Dump()); diff != "" {
		t.Errorf("changed:\n%s", diff)
	}
}
