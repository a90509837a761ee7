package compat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"chancery/internal/testcert"
	"chancery/internal/testenv"
)

// certimate is its uploader, which most of its deployers begin with.
type certimate struct {
	script
	filter string // CertFilter of the details it compares: unset in an older state
	runs   int
}

// upload looks for the certificate among those that are there and uploads it
// when it finds none that it takes for equal.
func (c *certimate) upload(p testcert.Pair) (id string) {
	c.t.Helper()
	for page := 1; ; page++ {
		list := c.call("ListUserCertificateOrder", params{"OrderType": "CERT", "ShowSize": "50", "CurrentPage": fmt.Sprint(page)}).rows("CertificateOrderList")
		for _, row := range list {
			if strings.EqualFold(row.text("CommonName"), "certimate.example.test") &&
				strings.TrimLeft(row.text("SerialNo"), "0") == strings.TrimLeft(p.Serial, "0") &&
				c.same(row.id("CertificateId"), p) {
				return row.id("CertificateId")
			}
		}
		if len(list) < 50 {
			break
		}
	}
	c.runs++
	return c.call("UploadUserCertificate", params{
		"Name": fmt.Sprintf("certimate_%d", 1700000000000+c.runs), "Cert": p.Cert, "Key": p.Key, "ResourceGroupId": "",
	}).id("CertId")
}

func (c *certimate) same(id string, p testcert.Pair) bool {
	c.t.Helper()
	detail := c.call("GetUserCertificateDetail", params{"CertId": id, "CertFilter": c.filter})
	if c.filter == "true" {
		if detail.has("Cert") || detail.has("Key") {
			c.t.Error("CertFilter leaves in certificate or key")
		}
		return false
	}
	return detail.text("Cert") == p.Cert
}

// The same certificate twice is two uploads with CertFilter, one without, and
// no error either way; products are told the identifier or its first part.
func TestCertimateUploads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		state, filter string
		uploads       int
	}{
		{"now", "true", 2},
		{"older", "", 1},
	} {
		t.Run(test.state, func(t *testing.T) {
			t.Parallel()
			env := testenv.New(t)
			c := &certimate{script: script{t, env.Tenant, current}, filter: test.filter}
			p := testcert.New(t, env.Clock.Now(), "certimate.example.test")
			for range 2 {
				id := c.upload(p)
				detail := c.call("GetUserCertificateDetail", params{"CertId": id})
				expect(t, "Id", detail.id("Id"), id)
				if detail.text("Name") == "" || detail.text("InstanceId") == "" {
					t.Errorf("name or resource id is empty: %v", detail.fields)
				}
				expect(t, "CertIdentifier", detail.text("CertIdentifier"), id+"-cn-hangzhou")
			}
			expect(t, "uploads", c.runs, test.uploads)
		})
	}
}

// A certificate that was deleted meanwhile is skipped by its code.
func TestCertimateSkipsTheDeleted(t *testing.T) {
	t.Parallel()
	s := script{t, testenv.New(t).Tenant, current}
	out := s.refused("GetUserCertificateDetail", params{"CertId": "98987582437920968", "CertFilter": "true"}, http.StatusNotFound, "NotFound")
	if !strings.HasPrefix(out.text("Code"), "NotFound") {
		t.Error("the code does not begin with NotFound")
	}
}

// Its deployment-job deployer asks for a contact first; the job is refused.
func TestCertimateDeploymentJob(t *testing.T) {
	t.Parallel()
	s := script{t, testenv.New(t).Tenant, current}
	contact := s.call("CreateContact", params{"Name": "Ada", "Mobile": "13900001111"}).id("ContactId")
	row := s.call("ListContact", params{"CurrentPage": "1", "ShowSize": "1"}).rows("ContactList")[0]
	expect(t, "ContactId", row.id("ContactId"), contact)
	s.unserved("CreateDeploymentJob", "DescribeDeploymentJob")
}
