package compat

import (
	"fmt"
	"testing"

	"chancery/internal/testcert"
	"chancery/internal/testenv"
)

// The deployment action lists by the older version until it has as many rows as
// TotalCount says, whatever that takes; deletes what has its name, and uploads
// under the same name.
func TestDeployAction(t *testing.T) {
	t.Parallel()
	for _, others := range []int{0, 49, 50, 100} {
		t.Run(fmt.Sprint(others), func(t *testing.T) {
			t.Parallel()
			env := testenv.New(t)
			s := script{t, env.Tenant, olderNode}.version("2018-07-13")
			p := testcert.New(t, env.Clock.Now(), "action.example.test")
			for i := range others {
				s.call("CreateUserCertificate", params{"Name": fmt.Sprint("other-", i), "Cert": p.Cert, "Key": p.Key}).id("CertId")
			}
			for run := range 2 { // the first finds nothing to replace
				expect(t, "replaced", deploy(s, p), run)
			}
		})
	}
}

const actionName = "action + 'é' *~"

func deploy(s script, p testcert.Pair) (replaced int) {
	s.t.Helper()
	var all []object
	for page := 1; ; page++ {
		out := s.call("DescribeUserCertificateList", params{"ShowSize": "50", "CurrentPage": fmt.Sprint(page)})
		expect(s.t, "CurrentPage", out.number("CurrentPage"), int64(page))
		expect(s.t, "ShowSize", out.number("ShowSize"), 50)
		all = append(all, out.rows("CertificateList")...)
		if int64(len(all)) == out.number("TotalCount") {
			break
		}
		if page == 5 {
			s.t.Fatal("it would go on for ever")
		}
	}
	for _, row := range all {
		for _, name := range []string{"common", "sans", "startDate", "endDate", "issuer", "fingerprint", "orgName", "country", "province", "city"} {
			row.text(name)
		}
		row.truth("expired")
		row.truth("buyInAliyun")
		if row.text("name") == actionName {
			s.call("DeleteUserCertificate", params{"CertId": row.id("id")})
			replaced++
		}
	}
	s.call("CreateUserCertificate", params{"Name": actionName, "Cert": p.Cert, "Key": p.Key}).id("CertId")
	return replaced
}
