package cas_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	gmsm2 "github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

func upload(t *testing.T, env *testenv.Tenant, in cas.UploadUserCertificateInput) cas.UploadUserCertificateOutput {
	t.Helper()
	var out cas.UploadUserCertificateOutput
	env.Call("UploadUserCertificate", in).Decode(&out)
	return out
}

func detail(t *testing.T, env *testenv.Tenant, id int64) (out cas.GetUserCertificateDetailOutput) {
	t.Helper()
	env.Call("GetUserCertificateDetail", cas.GetUserCertificateDetailInput{CertId: id}).Decode(&out)
	return out
}

func block(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

const daysLeft = 60 * 24 * time.Hour

func TestUploadIsKeptAsSent(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	now := env.Clock.Now()
	c := testenv.NewChain(t, "www.example.test", now.Add(daysLeft))
	sec1, err := x509.MarshalECPrivateKey(c.Private)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string]struct{ cert, key string }{
		"leaf alone":         {c.Leaf, c.Key},
		"leaf and chain":     {c.Full(), c.Key},
		"with the root":      {c.Full() + c.Root, c.Key},
		"in the wrong order": {c.Root + c.Intermediate + c.Leaf, c.Key},
		"text around":        {"subject=CN\r\n" + c.Leaf + "\n\nissuer=\n" + c.Intermediate + "\n\n", c.Key + "\n\n"},
		"SEC 1":              {c.Full(), block("EC PRIVATE KEY", sec1)},
		"wrong label":        {c.Full(), block("PRIVATE KEY", sec1)},
		"curve before key":   {c.Full(), block("EC PARAMETERS", []byte{6, 1, 0}) + block("EC PRIVATE KEY", sec1)},
	} {
		made := upload(t, env.Tenant, cas.UploadUserCertificateInput{Name: name, Cert: pair.cert, Key: pair.key, Tags: []cas.Tag{{Key: "team", Value: "web"}}})
		if !strings.HasPrefix(made.ResourceId, "cas-upload-") {
			t.Errorf("%s: ResourceId %q", name, made.ResourceId)
		}
		got := detail(t, env.Tenant, made.CertId)
		if got.Cert != pair.cert || got.Key != pair.key {
			t.Errorf("%s: text came back changed", name)
		}
		if got.Name != name || got.Common != "www.example.test" || got.BuyInAliyun || got.OrderId != 0 || got.Algorithm != "ECC" ||
			got.InstanceId != made.ResourceId || got.CertIdentifier != strconv.FormatInt(made.CertId, 10)+"-cn-hangzhou" ||
			got.SerialNo != chancery.SerialHex(c.Parsed.SerialNumber) || got.NotAfter != c.Parsed.NotAfter.UnixMilli() ||
			got.EndDate != c.Parsed.NotAfter.UTC().Format(time.DateOnly) || got.ResourceGroupId != chancery.DefaultResourceGroup ||
			len(got.Tags) != 1 || got.Tags[0] != (cas.TagPair{TagKey: "team", TagValue: "web"}) {
			t.Errorf("%s: %+v", name, got)
		}
		if n := strings.Count(pair.cert, "BEGIN"); len(got.CertChain) != n {
			t.Errorf("%s: %d links for %d certificates", name, len(got.CertChain), n)
		}
	}
}

func TestUploadOfRSAKeyUnderAnyLabel(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "rsa.example.test"}, NotAfter: env.Clock.Now().Add(daysLeft)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	for i, label := range []string{"RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY"} {
		made := upload(t, env.Tenant, cas.UploadUserCertificateInput{
			Name: strconv.Itoa(i), Cert: block("CERTIFICATE", der), Key: block(label, x509.MarshalPKCS1PrivateKey(key)),
		})
		if got := detail(t, env.Tenant, made.CertId); got.Algorithm != "RSA" {
			t.Errorf("%s: algorithm %q", label, got.Algorithm)
		}
	}
}

func TestUploadRefusals(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	now := env.Clock.Now()
	c, other := testenv.NewChain(t, "www.example.test", now.Add(daysLeft)), testenv.NewChain(t, "www.example.test", now.Add(daysLeft))
	old := testenv.NewChain(t, "old.example.test", now)
	upload(t, env.Tenant, cas.UploadUserCertificateInput{Name: "taken", Cert: c.Full(), Key: c.Key})
	broken := strings.Replace(c.Intermediate, "MII", "M!!", 1)
	oneLine := strings.ReplaceAll(c.Leaf, "\n", "")
	for what, want := range map[string]struct {
		code string
		in   cas.UploadUserCertificateInput
	}{
		"no name":            {"MissingParameter", cas.UploadUserCertificateInput{Cert: c.Leaf, Key: c.Key}},
		"no key":             {"MissingParameter", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf}},
		"no certificate":     {"MissingParameter", cas.UploadUserCertificateInput{Name: "n", Key: c.Key}},
		"nothing":            {"MissingParameter", cas.UploadUserCertificateInput{Name: "n"}},
		"half of SM2":        {"MissingParameter", cas.UploadUserCertificateInput{Name: "n", SignCert: c.Leaf, SignPrivateKey: c.Key}},
		"long name":          {"InvalidParameter", cas.UploadUserCertificateInput{Name: strings.Repeat("é", 65), Cert: c.Leaf, Key: c.Key}},
		"name with a line":   {"InvalidParameter", cas.UploadUserCertificateInput{Name: "a\nb", Cert: c.Leaf, Key: c.Key}},
		"resource group":     {"InvalidParameter", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf, Key: c.Key, ResourceGroupId: "a b"}},
		"tag":                {"InvalidParameter", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf, Key: c.Key, Tags: []cas.Tag{{Key: "aliyun"}}}},
		"too long":           {"InvalidParameter", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf + strings.Repeat("\n", 64<<10), Key: c.Key}},
		"name in use":        {"NameRepeat", cas.UploadUserCertificateInput{Name: "taken", Cert: other.Leaf, Key: other.Key}},
		"no PEM":             {"CertificateFormatException", cas.UploadUserCertificateInput{Name: "n", Cert: "hello", Key: c.Key}},
		"no line breaks":     {"CertificateFormatException", cas.UploadUserCertificateInput{Name: "n", Cert: oneLine, Key: c.Key}},
		"key without breaks": {"CertificateFormatException", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf, Key: strings.ReplaceAll(c.Key, "\n", " ")}},
		"key in Cert":        {"CertificateFormatException", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf + c.Key, Key: c.Key}},
		"broken block":       {"CertificateFormatException", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf + broken, Key: c.Key}},
		"too many":           {"CertificateFormatException", cas.UploadUserCertificateInput{Name: "n", Cert: strings.Repeat(c.Leaf, 11), Key: c.Key}},
		"not a certificate":  {"ParseCertificateFailed", cas.UploadUserCertificateInput{Name: "n", Cert: block("CERTIFICATE", []byte("hello")), Key: c.Key}},
		"not a key":          {"ParseCertificateFailed", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf, Key: block("PRIVATE KEY", []byte("hello"))}},
		"passphrase":         {"ParseCertificateFailed", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf, Key: block("ENCRYPTED PRIVATE KEY", []byte("hello"))}},
		"another's key":      {"CertificateChainNotMatch", cas.UploadUserCertificateInput{Name: "n", Cert: c.Full(), Key: other.Key}},
		"another's chain":    {"CertificateChainNotMatch", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf + other.Intermediate, Key: c.Key}},
		"gap in the chain":   {"CertificateChainNotMatch", cas.UploadUserCertificateInput{Name: "n", Cert: c.Leaf + c.Root, Key: c.Key}},
		"expired":            {"CertificateExpired", cas.UploadUserCertificateInput{Name: "n", Cert: old.Full(), Key: old.Key}},
	} {
		before := env.Dump()
		answer := env.Call("UploadUserCertificate", want.in)
		if answer.Code() != want.code || answer.Status != http.StatusBadRequest {
			t.Errorf("%s: HTTP %d %s; want %s", what, answer.Status, answer.Body, want.code)
		}
		if env.Dump() != before {
			t.Errorf("%s: the data changed", what)
		}
		if body := strings.Split(c.Key, "\n")[1]; strings.Contains(answer.Body+env.Logged(), body) {
			t.Errorf("%s: key text came back or was logged", what)
		}
	}
}

func TestUploadOfSM2(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	issue := func(serial int64) (cert, key string) {
		private, err := gmsm2.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &smx509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "sm2.example.test"}, DNSNames: []string{"sm2.example.test"},
			NotBefore: env.Clock.Now(), NotAfter: env.Clock.Now().Add(daysLeft), SignatureAlgorithm: smx509.SM2WithSM3,
		}
		der, err := smx509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
		if err != nil {
			t.Fatal(err)
		}
		keyDER, err := smx509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return block("CERTIFICATE", der), block("PRIVATE KEY", keyDER)
	}
	in := cas.UploadUserCertificateInput{Name: "sm2"}
	in.SignCert, in.SignPrivateKey = issue(1)
	in.EncryptCert, in.EncryptPrivateKey = issue(2)
	got := detail(t, env.Tenant, upload(t, env.Tenant, in).CertId)
	if got.SignCert != in.SignCert || got.SignPrivateKey != in.SignPrivateKey || got.EncryptCert != in.EncryptCert ||
		got.EncryptPrivateKey != in.EncryptPrivateKey || got.Cert != "" || got.Algorithm != "SM2" || got.Sans != "sm2.example.test" || len(got.CertChain) != 1 {
		t.Errorf("got %+v", got)
	}
	in.Name, in.SignPrivateKey = "mixed up", in.EncryptPrivateKey
	if answer := env.Call("UploadUserCertificate", in); answer.Code() != "CertificateChainNotMatch" {
		t.Errorf("another's key: %s", answer.Body)
	}
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	in.Cert, in.Key = c.Full(), c.Key
	if got := detail(t, env.Tenant, upload(t, env.Tenant, in).CertId); got.SignCert != "" || got.Cert != c.Full() {
		t.Errorf("SM2 beside Cert and Key: %+v", got)
	}
}

func TestDetailWithoutTexts(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	id := upload(t, env.Tenant, cas.UploadUserCertificateInput{Name: "n", Cert: c.Full(), Key: c.Key}).CertId
	fields := env.Call("GetUserCertificateDetail", cas.GetUserCertificateDetailInput{CertId: id, CertFilter: true}).Fields()
	for _, name := range []string{"Cert", "Key", "SignCert", "SignPrivateKey", "EncryptCert", "EncryptPrivateKey"} {
		if _, there := fields[name]; there {
			t.Errorf("%s is there with CertFilter", name)
		}
	}
	if fields["OrgName"] != `""` || fields["Country"] != `""` {
		t.Errorf("fields without a value are not empty strings: %v", fields)
	}
	if !strings.Contains(env.Logged(), "action=GetUserCertificateDetail") || strings.Contains(env.Logged(), "private_key_read") {
		t.Error("the log tells of a key that was not read")
	}
	detail(t, env.Tenant, id)
	if !strings.Contains(env.Logged(), "private_key_read") {
		t.Error("the log does not tell that a key was read")
	}
}

// The id of another account's certificate must look like one that nobody has.
func TestOtherAccountsCertificates(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	theirs := upload(t, env.NewAccount(), cas.UploadUserCertificateInput{Name: "n", Cert: c.Full(), Key: c.Key})
	missing := theirs.CertId + 1
	calls := map[string]func(id int64, resource string) (string, map[string]string, string){
		"detail": func(id int64, _ string) (string, map[string]string, string) {
			return "GetUserCertificateDetail", map[string]string{"CertId": strconv.FormatInt(id, 10)}, cas.Version
		},
		"delete": func(id int64, _ string) (string, map[string]string, string) {
			return "DeleteUserCertificate", map[string]string{"CertId": strconv.FormatInt(id, 10)}, cas.Version
		},
		"rename": func(id int64, _ string) (string, map[string]string, string) {
			return "CreateCertificateName", map[string]string{"CertificateId": strconv.FormatInt(id, 10), "Name": "x"}, "2018-08-13"
		},
		"move": func(_ int64, resource string) (string, map[string]string, string) {
			return "MoveResourceGroup", map[string]string{"ResourceId": resource, "ResourceType": "certificate", "ResourceGroupId": "rg-x"}, cas.Version
		},
		"move by id": func(id int64, _ string) (string, map[string]string, string) {
			return "MoveResourceGroup", map[string]string{"ResourceId": strconv.FormatInt(id, 10), "ResourceType": "Certificate", "ResourceGroupId": "rg-x"}, cas.Version
		},
	}
	before := env.Dump()
	for what, call := range calls {
		ask := func(id int64, resource string) testenv.Answer {
			action, parameters, version := call(id, resource)
			return env.Signed(action, parameters, func(r *testenv.Request) { r.Options.Version = version })
		}
		one, none := ask(theirs.CertId, theirs.ResourceId), ask(missing, "cas-upload-none")
		same := strings.ReplaceAll(none.WithoutRequestID(), strconv.FormatInt(missing, 10), strconv.FormatInt(theirs.CertId, 10))
		if one.Status != http.StatusNotFound || one.WithoutRequestID() != same || !strings.Contains(one.Message(), "NotFound") || one.Code() != "NotFound" {
			t.Errorf("%s: %d %s\nand for a missing one: %s", what, one.Status, one.Body, none.Body)
		}
	}
	if env.Dump() != before {
		t.Error("the data changed")
	}
}

func TestDelete(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	order := env.Issue("www.example.test")
	id := int64(env.Order(order).CertificateID)
	remove := func(id int64) testenv.Answer {
		return env.Call("DeleteUserCertificate", cas.CertificateInput{CertId: id})
	}
	before := env.Dump()
	if answer := remove(id); answer.Code() != "InvalidStatus.DeleteProtection" || answer.Status != http.StatusBadRequest {
		t.Errorf("valid and issued: %s", answer.Body)
	}
	if env.Dump() != before {
		t.Error("the data changed")
	}
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	uploaded := upload(t, env.Tenant, cas.UploadUserCertificateInput{Name: "n", Cert: c.Full(), Key: c.Key}).CertId
	env.Clock.Advance(400 * 24 * time.Hour)
	for _, id := range []int64{uploaded, id} {
		remove(id).Decode(&cas.Done{})
		if answer := remove(id); answer.Code() != "NotFound" {
			t.Errorf("again: %s", answer.Body)
		}
		if answer := env.Call("GetUserCertificateDetail", cas.GetUserCertificateDetailInput{CertId: id}); answer.Code() != "NotFound" {
			t.Errorf("detail after: %s", answer.Body)
		}
	}
	if state := env.State(order); state.Type != "certificate" || state.Certificate == "" || state.PrivateKey != "" {
		t.Errorf("the order after its certificate was deleted: %+v", state)
	}
	if n := env.Count("SELECT COUNT(*) FROM certificates WHERE key IS NOT NULL"); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	// The name is free again.
	d := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	upload(t, env.Tenant, cas.UploadUserCertificateInput{Name: "cert-" + strconv.FormatInt(order, 10), Cert: d.Full(), Key: d.Key})
}

func TestIssuedAlthoughItsNameIsTaken(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	order := env.Apply("www.example.test")
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	upload(t, env.Tenant, cas.UploadUserCertificateInput{Name: "cert-" + strconv.FormatInt(order, 10), Cert: c.Full(), Key: c.Key})
	env.Publish(order)
	env.Clock.Advance(time.Second)
	env.Await(order, chancery.Issued)
}

func TestMove(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	order := env.Order(env.Issue("www.example.test"))
	move := func(resource, kind, group string) testenv.Answer {
		return env.Call("MoveResourceGroup", cas.MoveResourceGroupInput{ResourceId: resource, ResourceType: kind, ResourceGroupId: group})
	}
	move(order.InstanceID, "Instance", "rg-one").Decode(&cas.Done{})
	move(order.InstanceID, "certificate", "rg-two").Decode(&cas.Done{})
	if got := env.Order(int64(order.ID)).ResourceGroup; got != "rg-one" {
		t.Errorf("the order is in %s", got)
	}
	if got := detail(t, env.Tenant, int64(order.CertificateID)).ResourceGroupId; got != "rg-two" {
		t.Errorf("the certificate is in %s", got)
	}
	move(strconv.FormatInt(int64(order.CertificateID), 10), "CERTIFICATE", "rg-three").Decode(&cas.Done{})
	if got := detail(t, env.Tenant, int64(order.CertificateID)).ResourceGroupId; got != "rg-three" {
		t.Errorf("the certificate is in %s", got)
	}
	for what, answer := range map[string]testenv.Answer{
		"kind":  move(order.InstanceID, "PcaCertificate", "rg-one"),
		"group": move(order.InstanceID, "instance", "rg one"),
	} {
		if answer.Code() != "InvalidParameter" {
			t.Errorf("%s: %s", what, answer.Body)
		}
	}
}
