package cas_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

func newCSR() cas.CreateCsrInput {
	return cas.CreateCsrInput{
		Algorithm: "ECC", KeySize: 256, CommonName: "www.example.com", CountryCode: "CN", Province: "Zhejiang", Locality: "Hangzhou",
	}
}

func listed(env *testenv.Env) cas.ListCsrOutput {
	var out cas.ListCsrOutput
	env.Call("ListCsr", cas.ListCsrInput{}).Decode(&out)
	return out
}

func detailOf(env *testenv.Env, id int64) (out cas.GetCsrDetailOutput) {
	env.Call("GetCsrDetail", cas.CSRInput{CsrId: id}).Decode(&out)
	return out
}

// refuses fails the test unless a call is answered with the code, in one of the
// table's statuses, and has changed nothing.
func refuses(t *testing.T, env *testenv.Env, action string, parameters map[string]string, code chancery.Code) testenv.Answer {
	t.Helper()
	before := env.Dump()
	answer := env.Signed(action, parameters)
	if answer.Code() != string(code) || strings.Contains(answer.Body, "PRIVATE KEY-----\n") {
		t.Errorf("%s %v: HTTP %d %s; want %s", action, parameters, answer.Status, answer.Body, code)
	}
	if diff := cmp.Diff(before, env.Dump()); diff != "" {
		t.Errorf("%s %v was refused and changed:\n%s", action, parameters, diff)
	}
	return answer
}

// changed is a copy of parameters with one of them changed, or left out if empty.
func with(parameters map[string]string, name, value string) map[string]string {
	out := maps.Clone(parameters)
	out[name] = value
	return out
}

func TestCreateCsr(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	in := newCSR()
	in.CorpName, in.Department, in.Name, in.CountryCode, in.Algorithm = "Example", "IT", "My-1_.x", "cn", "ecc"
	in.CommonName, in.Sans = "*.Example.COM", "example.com, bücher.example.com ,*.example.com"
	var out cas.CreateCsrOutput
	env.Call("CreateCsr", in).Decode(&out)

	block, _ := pem.Decode([]byte(out.Csr))
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil || csr.CheckSignature() != nil {
		t.Fatal(err, csr.CheckSignature())
	}
	const names = "*.example.com,example.com,xn--bcher-kva.example.com"
	if got := strings.Join(csr.DNSNames, ","); got != names {
		t.Errorf("names %s", got)
	}
	subject := pkix.Name{
		CommonName: "*.example.com", Country: []string{"CN"}, Province: []string{"Zhejiang"}, Locality: []string{"Hangzhou"},
		Organization: []string{"Example"}, OrganizationalUnit: []string{"IT"},
	}
	if got := csr.Subject.String(); got != subject.String() {
		t.Errorf("subject %s", got)
	}
	row := listed(env).CsrList[0]
	want := cas.CSRRow{
		CsrId: out.CsrId, Name: "My-1_.x", Algorithm: "ECC", KeySize: 256, KeySha2: row.KeySha2, HasPrivateKey: true,
		CommonName: "*.example.com", Sans: names, CountryCode: "CN", Province: "Zhejiang", Locality: "Hangzhou",
		CorpName: "Example", Department: "IT",
	}
	if diff := cmp.Diff(want, row); diff != "" || len(row.KeySha2) != 64 {
		t.Errorf("row: %s", diff)
	}
	detail := detailOf(env, out.CsrId)
	key, err := chancery.ParsePrivateKey(detail.PrivateKey)
	if err != nil || detail.Csr != out.Csr || !csr.PublicKey.(*ecdsa.PublicKey).Equal(key.Public()) {
		t.Errorf("the key is not that of the CSR: %v", err)
	}
	if strings.Contains(env.Logged(), "PRIVATE KEY") {
		t.Error("a key is in the log")
	}
}

func TestCreateCsrDefaultsAndRSA(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	in := newCSR()
	in.Algorithm, in.KeySize = "RSA", 2048
	var out cas.CreateCsrOutput
	env.Call("CreateCsr", in).Decode(&out)
	row := listed(env).CsrList[0]
	if row.Name != "csr-"+strconv.FormatInt(out.CsrId, 10) || row.Sans != "www.example.com" || row.Algorithm != "RSA" || row.KeySize != 2048 {
		t.Errorf("row %+v", row)
	}
	if detail := detailOf(env, out.CsrId); !strings.HasPrefix(detail.PrivateKey, "-----BEGIN RSA PRIVATE KEY-----\n") {
		t.Error("the key is not in PKCS #1")
	}
}

func TestCreateCsrRefuses(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	good := chancery.EncodeParameters(newCSR())
	for name := range good {
		refuses(t, env, "CreateCsr", with(good, name, ""), chancery.MissingParameter)
	}
	many := strings.Repeat("a.example.com,", 101)
	for i := range 101 {
		many = strings.Replace(many, "a.", "x"+strconv.Itoa(i)+".", 1)
	}
	for _, tt := range []struct{ name, value string }{
		{"Algorithm", "DSA"}, {"Algorithm", "SM2"}, {"Algorithm", "RSA"}, {"KeySize", "384"}, {"KeySize", "-1"}, {"KeySize", "x"},
		{"CommonName", "localhost"}, {"CommonName", "a b.example.com"}, {"CommonName", strings.Repeat("a", 60) + ".example.com"},
		{"CommonName", "www.example.com,example.com"}, {"Sans", "www.example.com,"}, {"Sans", "10.0.0.1"}, {"Sans", strings.TrimSuffix(many, ",")},
		{"CountryCode", "CHN"}, {"CountryCode", "C1"}, {"Province", strings.Repeat("p", 129)}, {"Locality", "a\x00b"},
		{"CorpName", strings.Repeat("c", 65)}, {"Department", strings.Repeat("d", 65)}, {"Department", "a\nb"},
		{"Name", strings.Repeat("n", 51)}, {"Name", "a b"}, {"Name", "名"}, {"Name", "a/b"},
	} {
		refuses(t, env, "CreateCsr", with(good, tt.name, tt.value), chancery.InvalidParameter)
	}
	if message := env.Signed("CreateCsr", with(good, "Algorithm", "SM2")).Message(); !strings.Contains(message, "SM2 is not offered here") {
		t.Error(message)
	}
}

// foreign is a CSR made elsewhere, with its key in every encoding by name.
func foreign(t *testing.T, template *x509.CertificateRequest) (request string, keys map[string]string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, _ := x509.MarshalECPrivateKey(key)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	return requestBy(t, key, template), map[string]string{
		"SEC 1":                 inPEM("EC PRIVATE KEY", sec1),
		"PKCS #8":               inPEM("PRIVATE KEY", pkcs8),
		"SEC 1 named PKCS #8":   inPEM("PRIVATE KEY", sec1),
		"PKCS #8 named PKCS #1": inPEM("RSA PRIVATE KEY", pkcs8),
		"with parameters":       inPEM("EC PARAMETERS", []byte{6, 5, 43, 129, 4, 0, 34}) + inPEM("EC PRIVATE KEY", sec1),
	}
}

func requestBy(t *testing.T, key crypto.Signer, template *x509.CertificateRequest) string {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return inPEM("CERTIFICATE REQUEST", der)
}

func inPEM(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func TestUploadCsr(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	template := &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "any\x07thing", Organization: []string{"Example"}}, DNSNames: []string{"a", "*.b.example"},
		EmailAddresses: []string{"ada@example.com"},
	}
	request, keys := foreign(t, template)
	for _, name := range slices.Sorted(maps.Keys(keys)) {
		var out cas.CSROutput
		env.Call("UploadCsr", cas.UploadCsrInput{Csr: request, Key: keys[name], Name: "up"}).Decode(&out)
		if detail := detailOf(env, out.CsrId); detail.PrivateKey != keys["SEC 1"] || detail.Csr != request {
			t.Errorf("%s: got %q", name, detail.Csr)
		}
	}
	var out cas.CSROutput
	env.Clock.Advance(time.Second)
	env.Call("UploadCsr", cas.UploadCsrInput{Csr: strings.ReplaceAll(request, "\n", "\r\n")}).Decode(&out)
	answer := env.Call("GetCsrDetail", cas.CSRInput(out))
	if _, there := answer.Fields()["PrivateKey"]; there {
		t.Error("a key that the store does not have")
	}
	row := listed(env).CsrList[0]
	want := cas.CSRRow{
		CsrId: out.CsrId, Name: "csr-" + strconv.FormatInt(out.CsrId, 10), Algorithm: "ECC", KeySize: 384, KeySha2: row.KeySha2,
		CommonName: "any\uFFFDthing", Sans: "a,*.b.example,ada@example.com", CorpName: "Example",
	}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("row: %s", diff)
	}
	if strings.Contains(env.Logged(), "PRIVATE KEY") {
		t.Error("a key is in the log")
	}
}

func TestUploadCsrRefuses(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	request, keys := foreign(t, &x509.CertificateRequest{})
	_, others := foreign(t, &x509.CertificateRequest{})
	weak, _ := rsa.GenerateKey(rand.Reader, 1024)
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	edwardsKey, _ := x509.MarshalPKCS8PrivateKey(edwards)
	block, _ := pem.Decode([]byte(request))
	block.Bytes[len(block.Bytes)-1] ^= 1

	refuses(t, env, "UploadCsr", map[string]string{"Key": keys["SEC 1"]}, chancery.MissingParameter)
	for name, csr := range map[string]string{
		"no PEM":        "MIIB",
		"a key":         keys["PKCS #8"],
		"two":           request + request,
		"bad signature": string(pem.EncodeToMemory(block)),
		"weak":          requestBy(t, weak, &x509.CertificateRequest{}),
		"Ed25519":       requestBy(t, edwards, &x509.CertificateRequest{}),
		"long":          request + strings.Repeat("\n", chancery.MaxCSR),
	} {
		if answer := refuses(t, env, "UploadCsr", map[string]string{"Csr": csr}, chancery.InvalidParameter); !strings.HasPrefix(answer.Message(), "Csr: ") {
			t.Errorf("%s: %s", name, answer.Message())
		}
	}
	for name, key := range map[string]string{
		"no PEM":        base64.StdEncoding.EncodeToString([]byte("sesame")),
		"a request":     request,
		"another's":     others["SEC 1"],
		"two":           keys["SEC 1"] + others["SEC 1"],
		"Ed25519":       inPEM("PRIVATE KEY", edwardsKey),
		"encrypted":     inPEM("ENCRYPTED PRIVATE KEY", edwardsKey),
		"old encrypted": strings.Replace(keys["SEC 1"], "KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1),
		"broken":        inPEM("PRIVATE KEY", edwardsKey[:20]),
		"long":          keys["SEC 1"] + strings.Repeat("\n", chancery.MaxKey),
	} {
		answer := refuses(t, env, "UploadCsr", map[string]string{"Csr": request, "Key": key}, chancery.InvalidParameter)
		if !strings.HasPrefix(answer.Message(), "Key: ") {
			t.Errorf("%s: %s", name, answer.Message())
		}
		for line := range strings.Lines(key) {
			if line = strings.TrimSpace(line); len(line) > 30 && strings.Contains(answer.Body+env.Logged(), line) {
				t.Errorf("%s: the key is in the answer or the log", name)
			}
		}
	}
	refuses(t, env, "UploadCsr", map[string]string{"Csr": request, "Name": "a b"}, chancery.InvalidParameter)
}

func TestUpdateCsr(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	request, keys := foreign(t, &x509.CertificateRequest{})
	_, others := foreign(t, &x509.CertificateRequest{})
	var out cas.CSROutput
	env.Call("UploadCsr", cas.UploadCsrInput{Csr: request}).Decode(&out)
	id := strconv.FormatInt(out.CsrId, 10)

	refuses(t, env, "UpdateCsr", map[string]string{"CsrId": id}, chancery.MissingParameter)
	refuses(t, env, "UpdateCsr", map[string]string{"Key": keys["SEC 1"]}, chancery.MissingParameter)
	refuses(t, env, "UpdateCsr", map[string]string{"CsrId": id, "Key": others["SEC 1"]}, chancery.InvalidParameter)
	refuses(t, env, "UpdateCsr", map[string]string{"CsrId": id, "Key": "x"}, chancery.InvalidParameter)
	env.Call("UpdateCsr", cas.UpdateCsrInput{CsrId: out.CsrId, Key: keys["PKCS #8"]}).Decode(&cas.Done{})
	if detail := detailOf(env, out.CsrId); detail.PrivateKey != keys["SEC 1"] {
		t.Error("the key was not kept")
	}
	refuses(t, env, "UpdateCsr", map[string]string{"CsrId": id, "Key": keys["SEC 1"]}, chancery.KeyExisted)
}

// What another account owns is answered as what does not exist, byte for byte.
func TestCsrsOfOthers(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	var mine cas.CreateCsrOutput
	env.Call("CreateCsr", newCSR()).Decode(&mine)
	key := detailOf(env, mine.CsrId).PrivateKey
	seemsAbsent(t, env, mine.CsrId, map[string]func(id int64) any{
		"GetCsrDetail": func(id int64) any { return cas.CSRInput{CsrId: id} },
		"DeleteCsr":    func(id int64) any { return cas.CSRInput{CsrId: id} },
		"UpdateCsr":    func(id int64) any { return cas.UpdateCsrInput{CsrId: id, Key: key} },
	})
	if body := env.NewAccount().Call("ListCsr", cas.ListCsrInput{}).Body; !strings.Contains(body, `"CsrList":[]`) {
		t.Error(body)
	}
	env.Call("DeleteCsr", cas.CSRInput{CsrId: mine.CsrId}).Decode(&cas.Done{})
	refuses(t, env, "DeleteCsr", map[string]string{"CsrId": strconv.FormatInt(mine.CsrId, 10)}, chancery.NotFound)
}

func TestListCsrFilters(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for _, name := range []string{"one_a", "two-b"} {
		in := newCSR()
		in.Name = name
		env.Call("CreateCsr", in).Decode(&cas.CreateCsrOutput{})
	}
	for _, tt := range []struct {
		in   cas.ListCsrInput
		want int
	}{
		{cas.ListCsrInput{}, 2},
		{cas.ListCsrInput{Algorithm: "ecc"}, 2},
		{cas.ListCsrInput{Algorithm: "RSA"}, 0},
		{cas.ListCsrInput{KeyWord: "ONE_"}, 1},
		{cas.ListCsrInput{KeyWord: "%"}, 0},
		{cas.ListCsrInput{KeyWord: "EXAMPLE.com", Algorithm: "ECC"}, 2},
	} {
		var out cas.ListCsrOutput
		env.Call("ListCsr", tt.in).Decode(&out)
		if len(out.CsrList) != tt.want || out.TotalCount != int64(tt.want) {
			t.Errorf("%+v: %d rows of %d; want %d", tt.in, len(out.CsrList), out.TotalCount, tt.want)
		}
	}
	refuses(t, env, "ListCsr", map[string]string{"Algorithm": "DSA"}, chancery.InvalidParameter)
	refuses(t, env, "ListCsr", map[string]string{"KeyWord": strings.Repeat("k", 257)}, chancery.InvalidParameter)
}

// An application with a CSR of the store gets a certificate with its key.
func TestOrderUsesStoredCsr(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 3)
	var stored cas.CreateCsrOutput
	env.Call("CreateCsr", newCSR()).Decode(&stored)
	key := detailOf(env, stored.CsrId).PrivateKey

	in := testenv.Application("")
	var out cas.CreateOutput
	env.Call("CreateCertificateWithCsrRequest", cas.CreateCertificateWithCsrRequestInput{
		Username: in.Username, Phone: in.Phone, Email: in.Email, ValidateType: in.ValidateType, Csr: stored.Csr,
	}).Decode(&out)
	if order := env.Order(out.OrderId); int64(order.CSRID) != stored.CsrId {
		t.Fatalf("the order uses CSR %d", order.CSRID)
	}
	refuses(t, env, "DeleteCsr", map[string]string{"CsrId": strconv.FormatInt(stored.CsrId, 10)}, chancery.DeleteProtection)
	env.Publish(out.OrderId)
	env.Clock.Advance(time.Second)
	env.Await(out.OrderId, chancery.Issued)
	env.Call("DeleteCsr", cas.CSRInput{CsrId: stored.CsrId}).Decode(&cas.Done{})
	if state := env.State(out.OrderId); state.PrivateKey != key {
		t.Error("the certificate has not got the key")
	}
}

// A stored CSR without its key, and one of another account, give no key.
func TestOrderWithCsrThatHasNoKey(t *testing.T) {
	env := testenv.New(t)
	request, keys := foreign(t, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "www.example.com"}})
	other := env.NewAccount()
	other.Grant(chancery.DefaultProduct, 1)
	env.Call("UploadCsr", cas.UploadCsrInput{Csr: request, Key: keys["SEC 1"]}).Decode(&cas.CSROutput{})
	var mine cas.CSROutput
	other.Call("UploadCsr", cas.UploadCsrInput{Csr: request}).Decode(&mine)

	in := testenv.Application("")
	var out cas.CreateOutput
	other.Call("CreateCertificateWithCsrRequest", cas.CreateCertificateWithCsrRequestInput{
		Username: in.Username, Phone: in.Phone, Email: in.Email, ValidateType: in.ValidateType, Csr: request,
	}).Decode(&out)
	other.Call("DeleteCsr", cas.CSRInput(mine)).Decode(&cas.Done{})
	other.Publish(out.OrderId)
	env.Clock.Advance(time.Second)
	other.Await(out.OrderId, chancery.Issued)
	if state := other.State(out.OrderId); state.PrivateKey != "" {
		t.Error("a key from nowhere")
	}
}
