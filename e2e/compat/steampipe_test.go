package compat

import (
	"fmt"
	"net/http"
	"testing"

	"chancery"
	"chancery/internal/testenv"
)

// steampipe lists without OrderType, page after page by the CurrentPage of the
// answer, until it has as many rows as TotalCount says.
func TestSteampipePages(t *testing.T) {
	t.Parallel()
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 100)
	s := script{t, env.Tenant, olderGo}
	applied := 0
	for _, test := range []struct{ orders, calls int }{{0, 1}, {49, 1}, {50, 1}, {51, 2}, {100, 2}} {
		for ; applied < test.orders; applied++ {
			env.Apply(fmt.Sprintf("row%d.example.test", applied))
		}
		seen, calls := map[string]bool{}, 0
		for page := int64(1); ; {
			calls++
			out := s.call("ListUserCertificateOrder", params{"ShowSize": "50", "CurrentPage": fmt.Sprint(page)})
			for _, row := range out.rows("CertificateOrderList") {
				steampipeRow(row)
				seen[row.id("OrderId")] = true
			}
			if int64(len(seen)) >= out.number("TotalCount") || calls == 5 {
				break
			}
			page = out.number("CurrentPage") + 1
		}
		expect(t, fmt.Sprintf("calls for %d orders", test.orders), calls, test.calls)
		expect(t, "orders", len(seen), test.orders)
	}
}

func steampipeRow(row object) {
	row.t.Helper()
	for _, name := range []string{"InstanceId", "Status", "Domain", "ProductCode", "ProductName", "CertType", "RootBrand", "Algorithm", "SourceType"} {
		if row.text(name) == "" {
			row.t.Errorf("%s is empty", name)
		}
	}
	for _, name := range []string{"OrderId", "BuyDate", "CertStartTime", "CertEndTime", "DomainCount", "WildDomainCount"} {
		row.number(name)
	}
}

// Its details are of one certificate; a row that has none is answered in a way
// that its ignored codes can name.
func TestSteampipeDetails(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	env.Issue("steampipe.example.test")
	s := script{t, env.Tenant, olderGo}
	row := s.call("ListUserCertificateOrder", params{"OrderType": "CERT"}).rows("CertificateOrderList")[0]
	detail := s.call("GetUserCertificateDetail", params{"CertId": row.id("CertificateId")})
	for _, name := range []string{"Name", "Common", "Fingerprint", "Sans", "OrgName", "Issuer", "Country", "Province", "City", "StartDate", "EndDate", "Cert", "Key"} {
		detail.text(name)
	}
	expect(t, "Id", detail.id("Id"), row.id("CertificateId"))
	expect(t, "BuyInAliyun", detail.truth("BuyInAliyun"), true)
	expect(t, "Expired", detail.truth("Expired"), false)
	s.refused("GetUserCertificateDetail", params{"CertId": "0"}, http.StatusNotFound, "NotFound")
}
