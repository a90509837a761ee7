package e2e

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/internal/testcert"
)

// every lists a product of each level. The certificates of the first are about
// to end as soon as they are issued, so that orders for them can be renewed.
const every = `[
	{"code": "brief", "lifetimeDays": 20, "keyAlgorithm": "ECC_256"},
	{"code": "organised", "level": "OV", "lifetimeDays": 90, "keyAlgorithm": "ECC_256"}
]`

// Official clients call every operation that is served, and all its parameters.
// A new row in a table of contents fails here until both programs call it.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	s := start(t, "--products", file(t, "products.json", every))
	goProgram := buildEveryOperation(t)
	for _, test := range []struct {
		name      string
		needs     func(*testing.T)
		program   string
		arguments []string
	}{
		{"Node", needNode, "node", []string{filepath.FromSlash("clients/node/every-operation.js")}},
		{"Go", needNothing, goProgram, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.needs(t)
			who := s.tenant(t, "brief", 20)
			s.grant(t, who, "organised", 5)
			done := finish(t, []string{
				"CHANCERY_ENDPOINT=" + hostOf(t, s.endpoint), "CHANCERY_MATERIAL=" + s.material(t, who),
				"CHANCERY_ACCESS_KEY_ID=" + who.key.AccessKeyID, "CHANCERY_ACCESS_KEY_SECRET=" + string(who.key.AccessKeySecret),
			}, test.program, test.arguments...)
			if done.status != 0 {
				t.Errorf("the program ended with status %d\n%s", done.status, done.stderr)
			}
			checkEvery(t, done.stdout)
		})
	}
}

// buildEveryOperation builds the program in clients/go.
func buildEveryOperation(t *testing.T) string {
	t.Helper()
	path := filepath.Join(goClients, "everyoperation")
	build := exec.CommandContext(lifetime, "go", "build", "-C", filepath.Join("clients", "go"), "-o", path, "./everyoperation")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return path
}

// grant gives a tenant a further plan.
func (s *service) grant(t testing.TB, who tenant, product string, units int64) {
	t.Helper()
	socket, running, err := admin.Dial(soon(t), s.dir)
	if err != nil || !running {
		t.Fatalf("the admin socket: running %v, %v", running, err)
	}
	in := admin.Grant{AccountID: who.account, ProductCode: product, Count: units}
	if err := socket.Call(soon(t), "plan.grant", in, &admin.Plan{}); err != nil {
		t.Fatal(err)
	}
}

// material writes the file that tells a program what is served, and gives it what
// it does not make itself; clients/README.md describes it.
func (s *service) material(t *testing.T, who tenant) (path string) {
	t.Helper()
	name := "renewed-" + who.uid() + ".example.test"
	order, err := who.CreateCertificateRequest(soon(t), cas.CreateCertificateRequestInput{
		Username: "Tom", Phone: "13900001111", Email: "ops@example.com", Domain: name, ValidateType: "DNS", ProductCode: "brief",
	})
	if err != nil {
		t.Fatal(err)
	}
	state := who.state(t, order.OrderId)
	s.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	who.issued(t, order.OrderId)

	now := time.Now()
	ordinary, sign, encrypt := testcert.New(t, now, "upload.example.test"), testcert.NewSM2(t, now, "sm2.example.test"), testcert.NewSM2(t, now, "sm2.example.test")
	renewal, _ := testcert.NewRequest(t, name)
	csr, csrKey := testcert.NewRequest(t, "csr.example.test")
	other, otherKey := testcert.NewRequest(t, "other.example.test")
	var operations []string
	for key := range served() {
		operations = append(operations, key)
	}
	text, err := json.Marshal(map[string]any{
		"operations": operations, "issuedOrder": order.OrderId, "renewalCsr": renewal,
		"csr": csr, "csrKey": csrKey, "otherCsr": other, "otherCsrKey": otherKey, "cert": ordinary.Cert, "key": ordinary.Key,
		"signCert": sign.Cert, "signKey": sign.Key, "encryptCert": encrypt.Cert, "encryptKey": encrypt.Key,
	})
	if err != nil {
		t.Fatal(err)
	}
	return file(t, "material.json", string(text))
}

// served are the operations of all tables of contents but the later ones, by
// "version name".
func served() map[string]chancery.Operation {
	all := map[string]chancery.Operation{}
	for _, api := range (&cas.Service{}).APIs() {
		for _, operation := range api.Operations {
			if !operation.Later {
				all[api.Version+" "+operation.Name] = operation
			}
		}
	}
	return all
}

// called is what a program prints for a call.
type called struct {
	Operation, Version, Client string
	Parameters                 []string
	OK                         bool
	Answer                     map[string]any
	Error                      any
}

// checkEvery compares what a program called with what there is to call.
func checkEvery(t *testing.T, output string) {
	t.Helper()
	missing := served()
	sent := map[string][]string{}
	for text := range strings.Lines(output) {
		var one called
		if err := json.Unmarshal([]byte(text), &one); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		key := one.Version + " " + one.Operation
		operation, known := served()[key]
		if !known {
			t.Errorf("%s by %s is not served", key, one.Client)
			continue
		}
		delete(missing, key)
		sent[key] = append(sent[key], one.Parameters...)
		if !one.OK {
			t.Errorf("%s by %s: %v", key, one.Client, one.Error)
			continue
		}
		one.check(t, key, operation)
	}
	for key, operation := range served() {
		if _, is := missing[key]; is {
			t.Errorf("%s was not called", key)
			continue
		}
		for field := range reflect.TypeOf(operation.Input).Fields() {
			if !slices.Contains(sent[key], field.Name) {
				t.Errorf("%s was not called with %s", key, field.Name)
			}
		}
	}
}

// check looks for the fields that an answer always has. Clients with models show
// those that their models know; the others show all.
func (one called) check(t *testing.T, key string, operation chancery.Operation) {
	t.Helper()
	if one.Answer["RequestId"] == "" || one.Answer["RequestId"] == nil {
		t.Errorf("%s by %s: no RequestId in %v", key, one.Client, one.Answer)
	}
	if one.Client == "typed" || one.Client == "legacy" {
		return
	}
	for field := range reflect.TypeOf(operation.Output).Fields() {
		tag := field.Tag.Get("json")
		if name, _, _ := strings.Cut(tag, ","); name == "" && !strings.Contains(tag, "omitempty") && one.Answer[field.Name] == nil {
			t.Errorf("%s by %s: no %s in %v", key, one.Client, field.Name, one.Answer)
		}
	}
}
