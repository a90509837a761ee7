package compat

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery/internal/testcert"
	"chancery/internal/testenv"
	"chancery/signature"
)

// Terraform's provider: V1, POST, common parameters in the query and those of the
// operation in the form. It spells the format in lower case.
func terraform(r *testenv.Request) {
	r.Options.Scheme, r.Options.Format, r.Place = signature.V1, "json", testenv.Split
	r.Header.Set("X-Acs-Action", r.Options.Action)
	r.Header.Set("X-Acs-Version", r.Options.Version)
}

// resource is alicloud_ssl_certificates_service_certificate as a plan has it.
type resource struct {
	name, group          string
	cert, key            string
	signCert, signKey    string
	encryptCert, openKey string
	tags                 string // key=value, in order, by commas
}

// tags are the parameters of a list of labels.
func tags(list string) params {
	out := params{}
	for i, tag := range strings.Split(list, ",") {
		key, value, _ := strings.Cut(tag, "=")
		out[fmt.Sprintf("Tags.%d.Key", i+1)], out[fmt.Sprintf("Tags.%d.Value", i+1)] = key, value
	}
	return out
}

func (r resource) create(s script) (id string) {
	s.t.Helper()
	return s.call("UploadUserCertificate", tags(r.tags).with(params{
		"Name": r.name, "ResourceGroupId": r.group, "Cert": r.cert, "Key": r.key,
		"SignCert": r.signCert, "SignPrivateKey": r.signKey, "EncryptCert": r.encryptCert, "EncryptPrivateKey": r.openKey,
	})).id("CertId")
}

// readResource is a refresh: what the provider puts in its state.
func readResource(s script, id string) resource {
	s.t.Helper()
	o := s.call("GetUserCertificateDetail", params{"CertId": id})
	optional := func(name string) string {
		if !o.has(name) {
			return ""
		}
		return o.text(name)
	}
	var labels []string
	for _, tag := range o.rows("Tags") {
		labels = append(labels, tag.text("TagKey")+"="+tag.text("TagValue"))
	}
	slices.Sort(labels)
	return resource{
		name: o.text("Name"), group: o.text("ResourceGroupId"), cert: optional("Cert"), key: optional("Key"),
		signCert: optional("SignCert"), signKey: optional("SignPrivateKey"),
		encryptCert: optional("EncryptCert"), openKey: optional("EncryptPrivateKey"), tags: strings.Join(labels, ","),
	}
}

// Create, plan without differences, change, destroy, destroy again.
func TestTerraformCertificate(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	ordinary, sign, encrypt := testcert.New(t, env.Clock.Now(), "tf.example.test"), testcert.NewSM2(t, env.Clock.Now(), "sm2.example.test"), testcert.NewSM2(t, env.Clock.Now(), "sm2.example.test")
	for name, planned := range map[string]resource{
		"ordinary":            {name: "tf ä+*~'", group: "rg-acfmv3xk2c3ks6y", cert: ordinary.Cert, key: ordinary.Key, tags: "env=a b~c,team=+"},
		"no end of line":      {name: "bare", cert: strings.TrimSpace(ordinary.Cert), key: strings.TrimSpace(ordinary.Key), tags: "a=b"},
		"lines end as in DOS": {name: "dos", cert: strings.ReplaceAll(ordinary.Cert, "\n", "\r\n"), key: strings.ReplaceAll(ordinary.Key, "\n", "\r\n"), tags: "a=b"},
		"SM2":                 {name: "sm2", signCert: sign.Cert, signKey: sign.Key, encryptCert: encrypt.Cert, openKey: encrypt.Key, tags: "a=b"},
	} {
		t.Run(name, func(t *testing.T) {
			s := script{t, env.Tenant, terraform}
			id := planned.create(s)
			planned.group = cmp.Or(planned.group, "rg-default")
			expect(t, "the first plan", readResource(s, id), planned)
			expect(t, "the second plan", readResource(s, id), planned)

			planned.name, planned.group, planned.tags = planned.name+" renamed", "rg-other", "env=prod"
			s.version("2018-08-13").call("CreateCertificateName", tags(planned.tags).with(params{
				"CertificateId": id, "Name": planned.name, "ResourceGroupId": planned.group,
			}))
			expect(t, "the plan after a change", readResource(s, id), planned)

			s.call("DeleteUserCertificate", params{"CertId": id})
			gone(s.refused("DeleteUserCertificate", params{"CertId": id}, http.StatusNotFound, "NotFound"))
			gone(s.refused("GetUserCertificateDetail", params{"CertId": id}, http.StatusNotFound, "NotFound"))
		})
	}
}

// gone checks what some states of the provider look for besides the code.
func gone(o object) {
	o.t.Helper()
	if message := o.text("Message"); !strings.Contains(message, "NotFound") {
		o.t.Errorf("the message has no NotFound: %q", message)
	}
}

// The data source reads pages of 50 until one is short, then, with
// enable_details, each certificate by the older call.
func TestTerraformDataSource(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	s := script{t, env.Tenant, terraform}
	pair := testcert.New(t, env.Clock.Now(), "data.example.test")
	for i := range 51 {
		resource{name: fmt.Sprintf("data-%02d", i), cert: pair.Cert, key: pair.Key, tags: "a=b"}.create(s)
	}
	pages, seen := 0, map[string]bool{}
	for {
		pages++
		list := s.call("ListUserCertificateOrder", params{
			"OrderType": "CERT", "ShowSize": "50", "CurrentPage": fmt.Sprint(pages), "Keyword": "data.example",
		}).rows("CertificateOrderList")
		for _, row := range list {
			seen[row.id("CertificateId")] = true
			expect(t, "CommonName", row.text("CommonName"), "data.example.test")
			expect(t, "Expired", row.truth("Expired"), false)
			for _, name := range []string{"Name", "Fingerprint", "Sans", "OrgName", "Issuer", "Country", "Province", "City"} {
				row.text(name)
			}
			for _, name := range []string{"StartDate", "EndDate"} {
				if _, err := time.Parse(time.DateOnly, row.text(name)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if len(list) < 50 {
			break
		}
	}
	expect(t, "pages", pages, 2)
	expect(t, "certificates", len(seen), 51)
	for id := range seen {
		detail := s.version("2018-07-13").call("DescribeUserCertificateDetail", params{"CertId": id})
		expect(t, "Id", detail.id("Id"), id)
		expect(t, "Cert", detail.text("Cert"), pair.Cert)
		expect(t, "Key", detail.text("Key"), pair.Key)
		expect(t, "BuyInAliyun", detail.truth("BuyInAliyun"), false)
	}
}

// A certificate that was issued here is bought in the data source's eyes.
func TestTerraformDetailsOfIssued(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant("digicert-free-1-free", 1)
	env.Issue("issued.example.test")
	s := script{t, env.Tenant, terraform}
	row := s.call("ListUserCertificateOrder", params{"OrderType": "CERT", "ShowSize": "50", "CurrentPage": "1"}).rows("CertificateOrderList")[0]
	detail := s.version("2018-07-13").call("DescribeUserCertificateDetail", params{"CertId": row.id("CertificateId")})
	expect(t, "BuyInAliyun", detail.truth("BuyInAliyun"), true)
	if detail.text("Cert") == "" || detail.text("Key") == "" {
		t.Error("certificate or key is empty")
	}
}

// Contacts and companies have a resource and a data source each.
func TestTerraformContactsAndCompanies(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	company := params{
		"CompanyName": "Example Ltd", "CompanyType": "1", "CompanyCode": "91-1", "CompanyPhone": "0571-1", "CompanyEmail": "ops@example.com",
		"CompanyAddress": "1 High Street", "PostCode": "310000", "CountryCode": "CN", "Province": "Zhejiang", "City": "Hangzhou",
		"Department": "IT", "Lang": "en",
	}
	contact := params{"Name": "Ada", "Mobile": "13900001111", "Email": "ada@example.com", "Idcard": "1", "Webhooks": `["https://example.com/hook"]`}
	for _, kind := range []struct {
		one, list, id, rows string
		fields              params
		change              string
	}{
		{"Contact", "ListContact", "ContactId", "ContactList", contact, "Name"},
		{"Company", "ListCompanies", "CompanyId", "CompanyList", company, "CompanyName"},
	} {
		t.Run(kind.one, func(t *testing.T) {
			s := script{t, env.Tenant, terraform}
			id := s.call("Create"+kind.one, kind.fields).id(kind.id)
			changed := kind.fields.with(params{kind.change: "Another"})
			s.call("Update"+kind.one, changed.with(params{kind.id: id}))
			detail := s.call("Get"+kind.one, params{kind.id: id})
			expect(t, kind.id, detail.id(kind.id), id)
			expect(t, kind.change, detail.text(kind.change), "Another")

			list := s.call(kind.list, params{"CurrentPage": "1", "ShowSize": "50"})
			expect(t, "TotalCount", list.number("TotalCount"), 1)
			expect(t, "ShowSize", list.number("ShowSize"), 50)
			expect(t, "CurrentPage", list.number("CurrentPage"), 1)
			expect(t, "the row", list.rows(kind.rows)[0].id(kind.id), id)

			s.call("Delete"+kind.one, params{kind.id: id})
			gone(s.refused("Get"+kind.one, params{kind.id: id}, http.StatusNotFound, "NotFound"))
			gone(s.refused("Delete"+kind.one, params{kind.id: id}, http.StatusNotFound, "NotFound"))
		})
	}
}

// Instances are not served, and the private CA's version is not known.
func TestTerraformRest(t *testing.T) {
	t.Parallel()
	s := script{t, testenv.New(t).Tenant, terraform}
	s.unserved("UpdateInstance", "GetInstanceDetail", "RefundInstance", "DeleteInstance", "ApplyCertificate", "CancelPendingCertificate")
	s.version("2020-06-30").refused("CreateRootCACertificate", nil, http.StatusBadRequest, "InvalidVersion")
}
