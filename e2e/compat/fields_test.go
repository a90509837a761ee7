package compat

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"chancery"
	"chancery/internal/testcert"
	"chancery/internal/testenv"
)

// What clients read without looking whether it is there, in one table: every row
// of a list and every answer has these fields, null never.
func TestFieldsAlwaysThere(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 3)
	env.Issue("issued.example.test")
	env.Apply("waiting.example.test")
	s := script{t, env.Tenant, current}
	s.call("CreateContact", params{"Name": "Ada", "Mobile": "13900001111"}) // without an address
	p := testcert.New(t, env.Clock.Now(), "uploaded.example.test")
	upload := s.call("UploadUserCertificate", params{"Name": "uploaded", "Cert": p.Cert, "Key": p.Key})
	upload.are("CertId:number ResourceId:text")
	s.call("CreateCertificateRequest", params(chancery.EncodeParameters(testenv.Application("created.example.test")))).are("OrderId:number")

	const certificate = `CertificateId:number InstanceId:text Name:text CommonName:text Sans:text SerialNo:text Fingerprint:text
		Sha2:text Issuer:text Status:text StartDate:text EndDate:text CertStartTime:number CertEndTime:number Expired:truth Upload:truth
		ResourceGroupId:text OrgName:text Country:text Province:text City:text`
	const pages = "TotalCount:number CurrentPage:number ShowSize:number"
	for _, test := range []struct {
		action, orderType, list string
		rows                    int
		fields                  string
	}{
		{"ListUserCertificateOrder", "CERT", "CertificateOrderList", 2, certificate},
		{"ListUserCertificateOrder", "UPLOAD", "CertificateOrderList", 1, certificate},
		{"ListUserCertificateOrder", "CPACK", "CertificateOrderList", 3, "OrderId:number InstanceId:text Status:text Domain:text ProductCode:text ProductName:text CertType:text"},
		{"ListUserCertificateOrder", "BUY", "CertificateOrderList", 0, ""},
		{"ListContact", "", "ContactList", 1, "ContactId:number Name:text Email:text"},
		{"ListCompanies", "", "CompanyList", 0, ""},
		{"ListCsr", "", "CsrList", 0, ""},
	} {
		out := s.call(test.action, params{"OrderType": test.orderType})
		out.are(pages)
		expect(t, test.action+" "+test.orderType+" rows", len(out.rows(test.list)), test.rows)
		for _, row := range out.rows(test.list) {
			row.are(test.fields)
		}
	}
	const detail = "Id:number Name:text InstanceId:text CertIdentifier:text"
	s.call("GetUserCertificateDetail", params{"CertId": upload.id("CertId")}).are(detail + " Cert:text Key:text")
	s.call("GetUserCertificateDetail", params{"CertId": upload.id("CertId"), "CertFilter": "true"}).are(detail)
}

// are reads fields, each written as name:type, and looks through the whole object
// for nulls and for numbers that JavaScript would lose digits of.
func (o object) are(list string) {
	o.t.Helper()
	for entry := range strings.FieldsSeq(list) {
		switch name, kind, _ := strings.Cut(entry, ":"); kind {
		case "number":
			o.number(name)
		case "text":
			o.text(name)
		case "truth":
			o.truth(name)
		default:
			o.t.Fatalf("no type: %s", entry)
		}
	}
	if fault := unreadable(o.fields); fault != "" {
		o.t.Errorf("%s in %v", fault, o.fields)
	}
}

// unreadable finds what clients stumble on, at any depth.
func unreadable(value any) string {
	switch v := value.(type) {
	case nil:
		return "a null"
	case json.Number:
		const most = 1<<53 - 1
		if n, err := v.Int64(); err != nil || n > most {
			return fmt.Sprintf("the number %s", v)
		}
	case []any:
		for _, entry := range v {
			if fault := unreadable(entry); fault != "" {
				return fault
			}
		}
	case map[string]any:
		for name, entry := range v {
			if fault := unreadable(entry); fault != "" {
				return name + ": " + fault
			}
		}
	}
	return ""
}
