package compat

import (
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

// AliyunCertRenew applies with no contact data, sees its order in the list at
// once, waits for ISSUED there, and finds the certificate by the InstanceId.
func TestAliyunCertRenew(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 2)
	s := script{t, env.Tenant, current}
	contact := s.call("CreateContact", params{"Name": "Ada", "Mobile": "13900001111", "Email": "ada@example.com"}).id("ContactId")
	s.unserved("ListCloudResources")

	const domain = "renew.example.test"
	order := s.call("CreateCertificateForPackageRequest", params{
		"Domain": domain, "ProductCode": chancery.DefaultProduct, "ValidateType": "DNS",
	})
	id := order.id("OrderId")
	env.Apply("another." + domain) // has the keyword, too

	mine := func() object {
		t.Helper()
		for _, row := range s.call("ListUserCertificateOrder", params{"Keyword": domain, "OrderType": "CPACK"}).rows("CertificateOrderList") {
			row.text("Status")
			row.text("InstanceId")
			if row.id("OrderId") == id {
				return row
			}
		}
		t.Fatal("the order is not in the list")
		return object{}
	}
	expect(t, "Status of the fresh order", mine().text("Status"), "CHECKING")
	env.Clock.Advance(10 * time.Second)
	env.Settle()
	expect(t, "Status without the proof", mine().text("Status"), "CHECKING")
	env.Publish(order.number("OrderId"))
	for poll := 0; mine().text("Status") != "ISSUED"; poll++ {
		if poll == 20 {
			t.Fatal("not issued after 20 polls")
		}
		env.Clock.Advance(10 * time.Second)
		env.Settle()
	}

	instance := mine().text("InstanceId")
	found := ""
	for _, row := range s.call("ListUserCertificateOrder", params{"Keyword": domain, "OrderType": "CERT"}).rows("CertificateOrderList") {
		if row.text("InstanceId") == instance {
			found = row.id("CertificateId")
		}
	}
	detail := s.call("GetUserCertificateDetail", params{"CertId": found})
	expect(t, "the certificate's order", detail.id("OrderId"), id)
	expect(t, "Common", detail.text("Common"), domain)

	list := s.call("ListContact", nil).rows("ContactList")
	expect(t, "the first contact", list[0].id("ContactId"), contact)
	for _, name := range []string{"Name", "Email"} {
		list[0].text(name)
	}
	s.unserved("CreateDeploymentJob", "UpdateDeploymentJobStatus")
}
