package cas_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"chancery/cas"
	"chancery/internal/testenv"
	"chancery/signature"
)

// v1 signs as older clients do, with the given Format.
func v1(format string) func(*testenv.Request) {
	return func(r *testenv.Request) { r.Options.Scheme, r.Options.Format = signature.V1, format }
}

// Certimate: the current client, V3, parameters in the query. With CertFilter it
// never recognises its own certificate, so each run uploads another copy.
func TestCertimateUploadsTwice(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	inQuery := func(r *testenv.Request) { r.Place = testenv.InQuery }
	for run := range 2 {
		var list struct {
			CertificateOrderList []struct {
				CertificateId        int64
				CommonName, SerialNo *string
			}
		}
		env.Signed("ListUserCertificateOrder", map[string]string{"OrderType": "CERT", "ShowSize": "50", "CurrentPage": "1"}, inQuery).Decode(&list)
		if len(list.CertificateOrderList) != run {
			t.Fatalf("run %d: %d rows", run, len(list.CertificateOrderList))
		}
		for _, row := range list.CertificateOrderList {
			if !strings.EqualFold(*row.CommonName, "www.example.test") || strings.TrimLeft(*row.SerialNo, "0") != fmt.Sprintf("%x", c.Parsed.SerialNumber) {
				t.Errorf("row %q %q", *row.CommonName, *row.SerialNo)
			}
			env.Signed("GetUserCertificateDetail", map[string]string{"CertId": fmt.Sprint(row.CertificateId), "CertFilter": "true"}, inQuery).Decode(&struct{}{})
		}
		var made struct{ CertId int64 }
		env.Signed("UploadUserCertificate", map[string]string{"Name": fmt.Sprintf("certimate_%d", run), "Cert": c.Full(), "Key": c.Key}, inQuery).Decode(&made)
		var got struct {
			Id                               int64
			Name, InstanceId, CertIdentifier string
		}
		env.Signed("GetUserCertificateDetail", map[string]string{"CertId": fmt.Sprint(made.CertId)}, inQuery).Decode(&got)
		id, region, _ := strings.Cut(got.CertIdentifier, "-")
		if id != fmt.Sprint(made.CertId) || region != "cn-hangzhou" || got.Id != made.CertId || got.Name == "" || got.InstanceId == "" {
			t.Errorf("run %d: %+v", run, got)
		}
	}
}

// dnsmgr: V1, everything in the form, a short nonce.
func TestDnsmgrUploadsTheSameNameTwice(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	n := 0
	ask := func(action string, parameters map[string]string) testenv.Answer {
		return env.Signed(action, parameters, v1("JSON"), func(r *testenv.Request) {
			n++
			r.Place, r.Options.Nonce = testenv.InForm, fmt.Sprintf("abcdef%02d", n)
		})
	}
	ask("ListUserCertificateOrder", nil).Decode(&struct{}{})
	upload := map[string]string{"Name": "www.example.test-1700000000", "Cert": c.Full(), "Key": c.Key}
	ask("UploadUserCertificate", upload).Decode(&struct{}{})
	again := ask("UploadUserCertificate", upload)
	if again.Status != http.StatusBadRequest || again.Code() != "NameRepeat" || !strings.Contains(again.Message(), `"www.example.test-1700000000"`) {
		t.Errorf("HTTP %d %s", again.Status, again.Body)
	}
	var list struct {
		TotalCount           int64
		CertificateOrderList []struct{ SerialNo, Name string }
	}
	ask("ListUserCertificateOrder", map[string]string{"Keyword": "www.example.test", "OrderType": "CERT"}).Decode(&list)
	if list.TotalCount != 1 || !strings.Contains(list.CertificateOrderList[0].SerialNo, fmt.Sprintf("%x", c.Parsed.SerialNumber)) {
		t.Errorf("got %+v", list)
	}
}

// Terraform: V1, common parameters in the query and the operation's in the form;
// it creates, reads without a difference, renames through 2018-08-13, deletes.
func TestTerraformResource(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	ask := func(action, version string, parameters map[string]string) testenv.Answer {
		return env.Signed(action, parameters, v1("json"), func(r *testenv.Request) {
			r.Place, r.Options.Version = testenv.Split, version
			r.Header.Set("x-acs-action", action)
			r.Header.Set("x-acs-version", version)
		})
	}
	type state struct {
		Name, Cert, Key, ResourceGroupId string
		Tags                             []cas.TagPair
	}
	var made struct{ CertId int64 }
	ask("UploadUserCertificate", cas.Version, map[string]string{
		"Name": "first", "Cert": c.Full(), "Key": c.Key, "ResourceGroupId": "rg-tf", "Tags.1.Key": "For", "Tags.1.Value": "Test",
	}).Decode(&made)
	id := map[string]string{"CertId": fmt.Sprint(made.CertId)}
	read := func() (now state) {
		ask("GetUserCertificateDetail", cas.Version, id).Decode(&now)
		return now
	}
	if now := read(); now.Name != "first" || now.Cert != c.Full() || now.Key != c.Key || now.ResourceGroupId != "rg-tf" || now.Tags[0] != (cas.TagPair{TagKey: "For", TagValue: "Test"}) {
		t.Errorf("a difference after create: %+v", now)
	}
	ask("CreateCertificateName", "2018-08-13", map[string]string{
		"CertificateId": fmt.Sprint(made.CertId), "Name": "second", "Tags.1.Key": "Other", "Tags.1.Value": "",
	}).Decode(&struct{}{})
	if now := read(); now.Name != "second" || len(now.Tags) != 1 || now.Tags[0].TagKey != "Other" || now.ResourceGroupId != "rg-tf" {
		t.Errorf("after the update: %+v", now)
	}
	var old struct {
		Id          int64
		Cert, Key   string
		BuyInAliyun bool
	}
	ask("DescribeUserCertificateDetail", "2018-07-13", id).Decode(&old)
	if old.Id != made.CertId || old.Cert != c.Full() || old.Key != c.Key {
		t.Errorf("2018-07-13: %+v", old)
	}
	ask("DeleteUserCertificate", cas.Version, id).Decode(&struct{}{})
	for range 2 {
		if gone := ask("DeleteUserCertificate", cas.Version, id); gone.Status != http.StatusNotFound || !strings.Contains(gone.Body, `"Code":"NotFound"`) || !strings.Contains(gone.Message(), "NotFound") {
			t.Errorf("deleted again: %s", gone.Body)
		}
	}
}

func TestRenameToANameInUse(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	upload(t, env.Tenant, cas.UploadUserCertificateInput{Name: "one", Cert: c.Full(), Key: c.Key})
	two := upload(t, env.Tenant, cas.UploadUserCertificateInput{Name: "two", Cert: c.Full(), Key: c.Key})
	before := env.Dump()
	rename := func(name string) testenv.Answer {
		return env.Signed("CreateCertificateName", map[string]string{"CertificateId": fmt.Sprint(two.CertId), "Name": name},
			func(r *testenv.Request) { r.Options.Version = "2018-08-13" })
	}
	if answer := rename("one"); answer.Code() != "NameRepeat" {
		t.Errorf("got %s", answer.Body)
	}
	if env.Dump() != before {
		t.Error("the data changed")
	}
	rename("two").Decode(&struct{}{}) // its own
}

// The deployment action: version 2018-07-13 with POST, listing until it has
// TotalCount rows, then delete and create under the same name.
func TestDeploymentAction(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	ask := func(action string, parameters map[string]string) testenv.Answer {
		return env.Signed(action, parameters, v1("JSON"), func(r *testenv.Request) {
			r.Place, r.Options.Version = testenv.InForm, "2018-07-13"
		})
	}
	for run := range 3 {
		var list struct {
			TotalCount, CurrentPage, ShowSize int
			CertificateList                   []map[string]any
		}
		ask("DescribeUserCertificateList", map[string]string{"ShowSize": "50", "CurrentPage": "1"}).Decode(&list)
		if list.TotalCount != min(run, 1) || len(list.CertificateList) != list.TotalCount || list.ShowSize != 50 || list.CurrentPage != 1 {
			t.Fatalf("run %d: %+v", run, list)
		}
		for _, row := range list.CertificateList {
			for _, field := range []string{"id", "name", "common", "sans", "startDate", "endDate", "expired", "issuer", "fingerprint", "orgName", "country", "province", "city", "buyInAliyun"} {
				if _, there := row[field]; !there {
					t.Errorf("no %s in %v", field, row)
				}
			}
			ask("DeleteUserCertificate", map[string]string{"CertId": fmt.Sprintf("%.0f", row["id"])}).Decode(&struct{}{})
		}
		ask("CreateUserCertificate", map[string]string{"Name": "mine", "Cert": c.Full(), "Key": c.Key}).Decode(&struct{}{})
	}
	xml := env.Signed("DescribeUserCertificateList", nil, v1("XML"), func(r *testenv.Request) { r.Options.Version = "2018-07-13" })
	if !strings.Contains(xml.Body, "<DescribeUserCertificateListResponse>") || !strings.Contains(xml.Body, "<orgName>") {
		t.Errorf("XML: %s", xml.Body)
	}
}

func TestCallerIdentity(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	id := fmt.Sprint(int64(env.Account))
	fields := env.Signed("GetCallerIdentity", nil, v1("JSON"), func(r *testenv.Request) { r.Options.Version = "2015-04-01" }).Fields()
	for name, want := range map[string]string{
		"AccountId": id, "UserId": id, "PrincipalId": id, "Arn": "acs:ram::" + id + ":root", "IdentityType": "Account",
	} {
		if fields[name] != `"`+want+`"` {
			t.Errorf("%s is %s", name, fields[name])
		}
	}
	if fields["RequestId"] == "" {
		t.Error("no RequestId")
	}
}

// A status that depends on the date is right at once, and the sweep keeps lists
// so that little is left to do for whoever asks.
func TestSweepSettlesLists(t *testing.T) {
	env := testenv.New(t)
	c := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(daysLeft))
	upload(t, env.Tenant, cas.UploadUserCertificateInput{Name: "n", Cert: c.Full(), Key: c.Key})
	env.Settle()
	env.Clock.Advance(daysLeft - 24*time.Hour)
	env.Settle()
	if n := env.Count("SELECT COUNT(*) FROM listed WHERE status = 'WILLEXPIRED'"); n != 1 {
		t.Errorf("%d entries were moved on", n)
	}
}
