package compat

import (
	"strings"
	"testing"

	"chancery"
	"chancery/internal/testenv"
)

// A panel in Rust shows certificates: an id of any kind, a name, the domains and
// the status. It takes numbers and strings alike, so it is enough that they are
// there; product and type are those of orders.
func TestRustPanel(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	env.Issue("panel.example.test")
	s := script{t, env.Tenant, olderGo}
	for orderType, fields := range map[string][]string{
		"CERT":  {"OrderId|CertificateId|InstanceId", "Name", "Domain|Sans", "Status"},
		"CPACK": {"OrderId|CertificateId|InstanceId", "Domain|Sans", "Status", "ProductName", "CertType"},
	} {
		row := s.call("ListUserCertificateOrder", params{"CurrentPage": "1", "ShowSize": "50", "OrderType": orderType}).rows("CertificateOrderList")[0]
		for _, field := range fields {
			there := false
			for name := range strings.SplitSeq(field, "|") {
				there = there || row.has(name)
			}
			if !there {
				t.Errorf("%s: nothing in %s: %v", orderType, field, row.fields)
			}
		}
	}
}
