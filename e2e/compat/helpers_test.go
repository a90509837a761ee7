package compat

import (
	"net/http"
	"strings"
	"testing"

	"chancery"
	"chancery/internal/testcert"
	"chancery/internal/testenv"
)

// Two small helpers apply by the call for one name: the PHP one with contact data
// in any form, the Python one with a list of its orders afterwards.
func TestHelpersApply(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 2)
	s := script{t, env.Tenant, current}
	for name, contact := range map[string]params{
		"php":    {"Username": "Tom O'Neil (ops) ä+*~ 张三", "Phone": "+86 (0571) 8502-2088 ext. 1", "Email": "ops+dv@例え.example"},
		"python": {"Username": "test", "Phone": "13900001111", "Email": "test@example.com", "ProductCode": chancery.DefaultProduct},
	} {
		domain := name + ".example.test"
		order := s.call("CreateCertificateRequest", contact.with(params{"Domain": domain, "ValidateType": "DNS"})).id("OrderId")
		state := s.call("DescribeCertificateState", params{"OrderId": order})
		for _, field := range []string{"Type", "RecordType", "RecordDomain", "RecordValue"} {
			if state.text(field) == "" {
				t.Errorf("%s is empty", field)
			}
		}
	}
}

// Values of enumerations come in either case, and a stray parameter does no harm.
func TestHelpersLists(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	s := script{t, env.Tenant, current}
	p := testcert.New(t, env.Clock.Now(), "helper.example.test")
	id := s.call("UploadUserCertificate", params{"Name": "helper", "Cert": p.Cert, "Key": p.Key}).id("CertId")
	for _, orderType := range []string{"CERT", "cert", "Cert", "upload"} {
		list := s.call("ListUserCertificateOrder", params{"OrderType": orderType, "CloudName": "aliyun", "Lang": "en"})
		row := list.rows("CertificateOrderList")[0]
		expect(t, "CertificateId of "+orderType, row.id("CertificateId"), id)
		expect(t, "Upload", row.truth("Upload"), true)
		for _, name := range []string{"CertStartTime", "CertEndTime"} {
			row.number(name)
		}
		for _, name := range []string{"InstanceId", "Name", "CommonName", "Sans", "SerialNo", "Fingerprint", "Sha2", "Issuer", "Status", "ResourceGroupId"} {
			if row.text(name) == "" {
				t.Errorf("%s is empty", name)
			}
		}
	}
	s.call("ListContact", params{"CloudName": "aliyun"})
	s.unserved("ListCloudResources", "CreateDeploymentJob", "UpdateDeploymentJobStatus")
}

// The Python one prints Recommend, the PHP one looks for a Code.
func TestHelpersErrors(t *testing.T) {
	t.Parallel()
	s := script{t, testenv.New(t).Tenant, current}
	out := s.refused("CreateCertificateRequest", params{
		"Username": "test", "Phone": "13900001111", "Email": "test@example.com", "Domain": "x.example.test", "ValidateType": "DNS",
	}, http.StatusNotFound, "NotFoundPackage")
	if advice := out.text("Recommend"); !strings.HasPrefix(advice, "http") {
		t.Errorf("Recommend is no link: %q", advice)
	}
}
