package cas_test

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chancery"
	"chancery/cas"
	"chancery/internal/testcert"
	"chancery/internal/testenv"
	"chancery/sts"
)

const readKey = "yundun-cert:ReadPrivateKey"

// keyFields finds the fields of an Output that can hold a private key.
func keyFields(of reflect.Type) (names []string) {
	for field := range of.Fields() {
		inner := field.Type
		for inner.Kind() == reflect.Slice || inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case field.Name == "Key" || strings.HasSuffix(field.Name, "PrivateKey"):
			if inner.Kind() == reflect.String { // a flag that says whether there is one holds none
				names = append(names, field.Name)
			}
		case inner.Kind() == reflect.Struct && inner != reflect.TypeFor[cas.Tag]() && inner != reflect.TypeFor[cas.TagPair]():
			names = append(names, keyFields(inner)...)
		}
	}
	return names
}

// Whatever can hold a private key says so to the gateway, which asks policies.
func TestOutputsWithKeysAreKeyHolders(t *testing.T) {
	holder := reflect.TypeFor[chancery.KeyHolder]()
	for _, api := range append((&cas.Service{}).APIs(), (&sts.Service{}).API()) {
		for _, operation := range api.Operations {
			name := api.Version + " " + operation.Name
			output := reflect.TypeOf(operation.Output)
			fields := keyFields(output)
			if is := reflect.PointerTo(output).Implements(holder); is != (len(fields) > 0) {
				t.Errorf("%s: its %s is a KeyHolder: %v; its fields for private keys: %v", name, output.Name(), is, fields)
			}
			if _, shown := showing[name]; shown != (len(fields) > 0) {
				t.Errorf("%s shows private keys: %v; it is in the table of this test: %v", name, len(fields) > 0, shown)
			}
			if len(fields) == 0 {
				continue
			}
			// Each of them is told of and taken out.
			for _, field := range fields {
				full := reflect.New(output)
				full.Elem().FieldByName(field).SetString("a key")
				out, _ := full.Interface().(chancery.KeyHolder)
				if !out.RevealsKey() {
					t.Errorf("%s does not say that %s is there", name, field)
				}
				if out.WithholdKey(); full.Elem().FieldByName(field).String() != "" || out.RevealsKey() {
					t.Errorf("%s does not take %s out", name, field)
				}
			}
		}
	}
}

// vault is an account with everything that has a private key.
type vault struct {
	*testenv.Env
	order, certificate, upload, pair, csr int64
	other                                 int64 // another issued order
}

func newVault(t *testing.T) vault {
	t.Helper()
	v := vault{Env: testenv.New(t)}
	v.Grant(single, 10)
	v.order, v.other = v.Issue("www.example.test"), v.Issue("other.example.test")
	v.certificate = int64(v.Order(v.order).CertificateID)
	now := v.Clock.Now()
	ordinary, sign, encrypt := testcert.New(t, now, "up.example.test"), testcert.NewSM2(t, now, "sm2.example.test"), testcert.NewSM2(t, now, "sm2.example.test")
	upload := func(in cas.UploadUserCertificateInput) int64 {
		var out cas.UploadUserCertificateOutput
		v.Call("UploadUserCertificate", in).Decode(&out)
		return out.CertId
	}
	v.upload = upload(cas.UploadUserCertificateInput{Name: "up", Cert: ordinary.Cert, Key: ordinary.Key})
	v.pair = upload(cas.UploadUserCertificateInput{
		Name: "sm2", SignCert: sign.Cert, SignPrivateKey: sign.Key, EncryptCert: encrypt.Cert, EncryptPrivateKey: encrypt.Key,
	})
	var csr cas.CreateCsrOutput
	v.Call("CreateCsr", cas.CreateCsrInput{
		Algorithm: "ECC", KeySize: 256, CommonName: "csr.example.test", CountryCode: "CN", Province: "Zhejiang", Locality: "Hangzhou",
	}).Decode(&csr)
	v.csr = csr.CsrId
	return v
}

// look is one way to see a private key.
type look struct {
	of    string // what it belongs to
	input func(v vault) any
	call  func(by *testenv.Tenant) testenv.Answer // set by everyLook
}

// showing has every operation that shows private keys, and of what.
var showing = map[string][]look{
	"2020-04-07 DescribeCertificateState": {
		{of: "order", input: func(v vault) any { return cas.DescribeCertificateStateInput{OrderId: v.order, Verbose: true} }},
		{of: "other", input: func(v vault) any { return cas.DescribeCertificateStateInput{OrderId: v.other} }},
	},
	"2020-04-07 GetUserCertificateDetail": {
		{of: "order", input: func(v vault) any { return cas.GetUserCertificateDetailInput{CertId: v.certificate} }},
		{of: "upload", input: func(v vault) any { return cas.GetUserCertificateDetailInput{CertId: v.upload} }},
		{of: "pair", input: func(v vault) any { return cas.GetUserCertificateDetailInput{CertId: v.pair} }},
		{of: "nothing", input: func(v vault) any { return cas.GetUserCertificateDetailInput{CertId: v.certificate, CertFilter: true} }},
	},
	"2018-07-13 DescribeUserCertificateDetail": {
		{of: "order", input: func(v vault) any { return cas.CertificateInput{CertId: v.certificate} }},
		{of: "upload", input: func(v vault) any { return cas.CertificateInput{CertId: v.upload} }},
	},
	"2020-04-07 GetCsrDetail": {{of: "csr", input: func(v vault) any { return cas.CSRInput{CsrId: v.csr} }}},
}

// keys are the fields of an answer that hold one.
func keys(fields map[string]string) (names []string) {
	for _, name := range []string{"Key", "PrivateKey", "SignPrivateKey", "EncryptPrivateKey"} {
		if strings.Contains(fields[name], "PRIVATE KEY") {
			names = append(names, name)
		}
	}
	return names
}

// everyLook calls each row of the table.
func (v vault) everyLook(t *testing.T, by *testenv.Tenant, check func(t *testing.T, l look, answer testenv.Answer)) {
	t.Helper()
	for name, looks := range showing {
		version, action, _ := strings.Cut(name, " ")
		for _, l := range looks {
			l.call = func(by *testenv.Tenant) testenv.Answer {
				return by.Signed(action, chancery.EncodeParameters(l.input(v)), testenv.InVersion(version))
			}
			t.Run(action+" of "+l.of, func(t *testing.T) {
				before := len(by.AuditLog())
				answer := l.call(by)
				lines := by.AuditLog()[before:]
				if read := len(keys(answer.Fields())) > 0; len(lines) != 1 || lines[0].KeyRead != read || lines[0].Principal != by.Principal.ARN() {
					t.Errorf("a key was read: %v; the audit log has %+v", read, lines)
				}
				check(t, l, answer)
			})
		}
	}
}

// Who may look and not read keys sees what the account sees, without the keys.
func TestReadersSeeAllButTheKeys(t *testing.T) {
	v := newVault(t)
	readers := map[string]*testenv.Tenant{
		"a user":             v.AsUser("reader", "AliyunYundunCertReadOnlyAccess"),
		"a user by a Deny":   v.AsUser("almost", "AliyunYundunCertFullAccess", testenv.Policy(testenv.Deny("*", readKey))),
		"a role":             v.AsRole("reader", "AliyunYundunCertReadOnlyAccess"),
		"a session's policy": v.Assume(v.NewRole("all", testenv.Trusting(v.Principal.ARN()), "AdministratorAccess"), map[string]string{"Policy": testenv.Policy(testenv.AllowAllBut(readKey))}),
	}
	for name, reader := range readers {
		t.Run(name, func(t *testing.T) {
			v.everyLook(t, reader, func(t *testing.T, l look, answer testenv.Answer) {
				seen := answer.Fields()
				if withheld := keys(seen); len(withheld) > 0 {
					t.Errorf("it shows %v", withheld)
				}
				sameButKeys(t, l.call(v.Tenant).Fields(), seen)
			})
		})
	}
	t.Run("the account sees them", func(t *testing.T) {
		v.everyLook(t, v.Tenant, func(t *testing.T, l look, answer testenv.Answer) {
			if has := len(keys(answer.Fields())) > 0; has != (l.of != "nothing") {
				t.Errorf("it shows %v", keys(answer.Fields()))
			}
		})
	})
	t.Run("lists are the same", func(t *testing.T) {
		for _, action := range []string{"ListUserCertificateOrder", "ListCsr", "ListContact", "ListCompanies", "DescribePackageState"} {
			mine, theirs := v.Signed(action, nil).Fields(), readers["a user"].Signed(action, nil).Fields()
			delete(mine, "RequestId")
			delete(theirs, "RequestId")
			if diff := cmp.Diff(mine, theirs); diff != "" {
				t.Errorf("%s\n%s", action, diff)
			}
		}
	})
}

// sameButKeys compares what a reader saw with what the account sees.
func sameButKeys(t *testing.T, whole, seen map[string]string) {
	t.Helper()
	for _, key := range append(keys(whole), "RequestId") {
		delete(whole, key)
	}
	delete(seen, "RequestId")
	if diff := cmp.Diff(whole, seen); diff != "" {
		t.Errorf("the rest differs (- account, + reader)\n%s", diff)
	}
}

// One key is granted or denied by either name of what it belongs to, through every
// operation that shows it.
func TestOneKeyIsGrantedOrDenied(t *testing.T) {
	v := newVault(t)
	named := func(kind string, id int64) string {
		return fmt.Sprintf("acs:yundun-cert:*:%d:%s/%d", v.Account, kind, id)
	}
	order, certificate := named("order", v.order), named("certificate", v.certificate)
	for _, test := range []struct {
		name       string
		statements []testenv.Statement
		shown      string // of what keys are shown
	}{
		{"none is granted", nil, ""},
		{"by the order", []testenv.Statement{testenv.Allow(order, readKey)}, "order"},
		{"by the certificate", []testenv.Statement{testenv.Allow(certificate, readKey)}, "order"},
		{"by another order", []testenv.Statement{testenv.Allow(named("order", v.other), readKey)}, "other"},
		{"by all orders", []testenv.Statement{testenv.Allow(named("order", 0)[:len(named("order", 0))-1]+"*", readKey)}, "order other"},
		{"by an upload", []testenv.Statement{testenv.Allow(named("certificate", v.upload), readKey)}, "upload"},
		{"by a pair", []testenv.Statement{testenv.Allow(named("certificate", v.pair), readKey)}, "pair"},
		{"by a CSR", []testenv.Statement{testenv.Allow(named("csr", v.csr), readKey)}, "csr"},
		{"by the order, in another account", []testenv.Statement{testenv.Allow(fmt.Sprintf("acs:yundun-cert:*:%d:order/%d", v.Account+1, v.order), readKey)}, ""},
		{"by the order, in another region", []testenv.Statement{testenv.Allow(fmt.Sprintf("acs:yundun-cert:eu-central-1:%d:order/%d", v.Account, v.order), readKey)}, ""},
		{"all", []testenv.Statement{testenv.Allow("*", readKey)}, "order other upload pair csr"},
		{"all but the order's", []testenv.Statement{testenv.Allow("*", readKey), testenv.Deny(order, readKey)}, "other upload pair csr"},
		{"all but the certificate's", []testenv.Statement{testenv.Allow("*", readKey), testenv.Deny(certificate, readKey)}, "other upload pair csr"},
		{"by the certificate and not by the order", []testenv.Statement{testenv.Allow(certificate, readKey), testenv.Deny(order, readKey)}, ""},
		{"by the order and not by the certificate", []testenv.Statement{testenv.Allow(order, readKey), testenv.Deny(certificate, readKey)}, ""},
		{"all but uploads and orders", []testenv.Statement{testenv.Allow("*", readKey), testenv.Deny(fmt.Sprintf("acs:yundun-cert:*:%d:certificate/*", v.Account), readKey)}, "csr"},
	} {
		t.Run(test.name, func(t *testing.T) {
			user := v.AsUser(fmt.Sprint("user-", chancery.NewID()), "AliyunYundunCertReadOnlyAccess")
			if test.statements != nil {
				user.Attach(testenv.Policy(test.statements...))
			}
			v.everyLook(t, user, func(t *testing.T, l look, answer testenv.Answer) {
				want := false
				for _, of := range strings.Fields(test.shown) {
					want = want || of == l.of
				}
				if got := len(keys(answer.Fields())) > 0; got != want {
					t.Errorf("the key is shown: %v, want %v", got, want)
				}
			})
		})
	}
}

// An order that was made with a stored CSR has the CSR's key, so it is one key with
// four names and more: whatever a policy says of one of them counts for all.
func TestAKeyOfManyNames(t *testing.T) {
	v := newVault(t)
	request, key := testcert.NewRequest(t, "stored.example.test")
	var stored cas.CSROutput
	v.Call("UploadCsr", cas.UploadCsrInput{Csr: request, Key: key}).Decode(&stored)
	apply := func() (order, certificate int64) {
		var made cas.CreateOutput
		v.Call(createWithCSR, cas.CreateCertificateWithCsrRequestInput{
			Username: "Ada", Phone: "139", Email: "ada@example.test", Csr: request, ValidateType: "DNS", ClientToken: fmt.Sprint(chancery.NewID()),
		}).Decode(&made)
		v.Publish(made.OrderId)
		v.Clock.Advance(time.Second)
		return made.OrderId, int64(v.Await(made.OrderId, chancery.Issued).CertificateID)
	}
	order, certificate := apply()
	second, secondCertificate := apply()
	names := []string{
		fmt.Sprint("csr/", stored.CsrId), fmt.Sprint("order/", order), fmt.Sprint("certificate/", certificate),
		fmt.Sprint("order/", second), fmt.Sprint("certificate/", secondCertificate),
	}
	shown := func(by *testenv.Tenant) (n int) {
		for action, in := range map[string][]any{
			"GetCsrDetail":             {cas.CSRInput(stored)},
			"DescribeCertificateState": {cas.OrderInput{OrderId: order}, cas.OrderInput{OrderId: second}},
			"GetUserCertificateDetail": {cas.CertificateInput{CertId: certificate}, cas.CertificateInput{CertId: secondCertificate}},
		} {
			for _, input := range in {
				answer := by.Call(action, input)
				check(t, answer, "", 200, "")
				n += len(keys(answer.Fields()))
			}
		}
		return n
	}
	for _, name := range names {
		full := fmt.Sprintf("acs:yundun-cert:*:%d:%s", v.Account, name)
		who := strings.ReplaceAll(name, "/", "-")
		if n := shown(v.AsUser("allowed-"+who, "AliyunYundunCertReadOnlyAccess", testenv.Policy(testenv.Allow(full, readKey)))); n != 5 {
			t.Errorf("allowed by %s, %d of 5 calls show the key", name, n)
		}
		if n := shown(v.AsUser("denied-"+who, "AliyunYundunCertFullAccess", testenv.Policy(testenv.Deny(full, readKey)))); n != 0 {
			t.Errorf("denied by %s, %d calls show the key", name, n)
		}
	}
	if n := shown(v.AsUser("other", "AliyunYundunCertReadOnlyAccess", testenv.Policy(testenv.Allow(fmt.Sprintf("acs:yundun-cert:*:%d:order/%d", v.Account, v.order), readKey)))); n != 0 {
		t.Errorf("allowed by another order, %d calls show the key", n)
	}
}

// A Deny on an id holds however the call names what has the id.
func TestADenyHoldsByWhateverName(t *testing.T) {
	v := newVault(t)
	var contact cas.ContactIDOutput
	v.Call("CreateContact", cas.CreateContactInput{Name: "Ada", Mobile: "139"}).Decode(&contact)
	id := func(n int64) string { return strconv.FormatInt(n, 10) }
	orderInstance := v.Order(v.order).InstanceID
	var detail cas.GetUserCertificateDetailOutput
	v.Call("GetUserCertificateDetail", cas.GetUserCertificateDetailInput{CertId: v.upload}).Decode(&detail)
	move := func(kind, id string) parameters {
		return parameters{"ResourceType": kind, "ResourceId": id, "ResourceGroupId": "rg-1"}
	}
	for _, test := range []struct {
		name, deny, action string
		parameters         parameters
	}{
		{"an order by its instance", "order/" + id(v.order), "MoveResourceGroup", move("instance", orderInstance)},
		{"an order by its instance, in capitals", "order/" + id(v.order), "MoveResourceGroup", move("INSTANCE", orderInstance)},
		{"a certificate by its id", "certificate/" + id(v.certificate), "MoveResourceGroup", move("Certificate", id(v.certificate))},
		{"a certificate by its id, padded", "certificate/" + id(v.certificate), "MoveResourceGroup", move("Certificate", "0"+id(v.certificate))},
		{"a certificate by its id, signed", "certificate/" + id(v.certificate), "MoveResourceGroup", move("Certificate", "+"+id(v.certificate))},
		{"a certificate by its instance", "certificate/" + id(v.certificate), "MoveResourceGroup", move("certificate", orderInstance)},
		{"an upload by its instance", "certificate/" + id(v.upload), "MoveResourceGroup", move("Certificate", detail.InstanceId)},
		{"an order by its id, padded", "order/" + id(v.order), "DescribeCertificateState", parameters{"OrderId": "0" + id(v.order)}},
		{"the newest contact", "contact/" + id(contact.ContactId), "GetContact", nil},
		{"the contact 0", "contact/" + id(contact.ContactId), "GetContact", parameters{"ContactId": "0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			resource := fmt.Sprintf("acs:yundun-cert:*:%d:%s", v.Account, test.deny)
			full := testenv.Policy(testenv.Allow("*", "*"))
			free, bound := v.AsUser(fmt.Sprint("free-", chancery.NewID()), full), v.AsUser(fmt.Sprint("bound-", chancery.NewID()), full, testenv.Policy(testenv.Deny(resource, "yundun-cert:*")))
			unchanged(t, v.Env, func() {
				got := bound.Signed(test.action, test.parameters)
				if got.Code() == "InvalidParameter" { // a form that is not read as an id at all
					return
				}
				check(t, got, "Forbidden.RAM", 403, "a policy denies it")
				if strings.Contains(got.Body, test.deny) && !strings.Contains(fmt.Sprint(test.parameters), strings.SplitN(test.deny, "/", 2)[1]) {
					t.Errorf("the denial tells the id: %s", got.Body)
				}
				if line := v.AuditLog(); line[len(line)-1].Resource != test.deny {
					t.Errorf("the audit log says %q", line[len(line)-1].Resource)
				}
			})
			if got := free.Signed(test.action, test.parameters); got.Code() == "Forbidden.RAM" {
				t.Errorf("without the Deny: %s", got.Body)
			}
		})
	}
}

// The keys of a revoked or a withdrawn order's certificate are not shown to anybody,
// so nobody reads them.
func TestNoKeyNoReading(t *testing.T) {
	v := newVault(t)
	waiting := v.Apply("waiting.example.test")
	before := len(v.AuditLog(chancery.AuditFilter{KeyReads: true}))
	for _, order := range []int64{waiting, 1} {
		v.Call(describe, cas.DescribeCertificateStateInput{OrderId: order})
	}
	v.Clock.Advance(time.Second)
	if after := len(v.AuditLog(chancery.AuditFilter{KeyReads: true})); after != before {
		t.Errorf("%d readings of keys that were not there", after-before)
	}
}
