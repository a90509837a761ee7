package compat

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"

	"chancery"
	"chancery/internal/testcert"
	"chancery/internal/testenv"
)

// The official command line can be told to accept XML; it still says
// Format=JSON.
func acceptXML(r *testenv.Request) {
	olderGo(r)
	r.Header.Set("Accept", "application/xml")
}

// tree is any XML element.
type tree struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []tree `xml:",any"`
}

// all gives the children of a name.
func (n tree) all(name string) (list []tree) {
	for _, child := range n.Children {
		if child.XMLName.Local == name {
			list = append(list, child)
		}
	}
	return list
}

// readXML reads one whole document, strictly.
func readXML(t *testing.T, answer testenv.Answer) (root tree) {
	t.Helper()
	expect(t, "Content-Type", answer.Header.Get("Content-Type"), "text/xml;charset=utf-8")
	decoder := xml.NewDecoder(strings.NewReader(answer.Body))
	must(t, decoder.Decode(&root))
	if _, err := decoder.Token(); err != io.EOF { //nolint:errorlint // Token gives it bare
		t.Errorf("something follows the document: %v", err)
	}
	return root
}

func TestCommandLineReadsXML(t *testing.T) {
	t.Parallel()
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 2)
	p := testcert.New(t, env.Clock.Now(), "cli.example.test")
	s := script{t, env.Tenant, acceptXML}
	for _, test := range []struct {
		action string
		in     params
		fields string // of the root, by blanks; a list's name with * and its rows
	}{
		{"UploadUserCertificate", params{"Name": `<a> & "b"`, "Cert": p.Cert, "Key": p.Key}, "RequestId CertId ResourceId"},
		{"CreateCertificateRequest", params{"Username": "<Tom & Co>", "Phone": "1", "Email": "a@example.com", "Domain": "cli.example.test", "ValidateType": "DNS"}, "RequestId OrderId"},
		{"CreateCertificateForPackageRequest", params{"Domain": "cli2.example.test"}, "RequestId OrderId"},
		{"ListUserCertificateOrder", nil, "RequestId TotalCount CurrentPage ShowSize CertificateOrderList*2"},
		{"ListUserCertificateOrder", params{"OrderType": "CERT"}, "RequestId TotalCount CurrentPage ShowSize CertificateOrderList*1"},
		{"ListUserCertificateOrder", params{"OrderType": "BUY"}, "RequestId TotalCount CurrentPage ShowSize CertificateOrderList*0"},
		{"DescribePackageState", nil, "RequestId ProductCode TotalCount UsedCount IssuedCount"},
	} {
		answer := s.send(test.action, test.in)
		root := readXML(t, answer)
		expect(t, "status", answer.Status, http.StatusOK)
		expect(t, "root", root.XMLName.Local, test.action+"Response")
		for name := range strings.FieldsSeq(test.fields) {
			want := 1
			if list, rows, isList := strings.Cut(name, "*"); isList {
				name, want = list, int(rows[0]-'0')
			}
			expect(t, test.action+" "+name, len(root.all(name)), want)
		}
	}

	row := readXML(t, s.send("ListUserCertificateOrder", params{"OrderType": "CERT"})).all("CertificateOrderList")[0]
	expect(t, "Name", row.all("Name")[0].Text, `<a> & "b"`)
	detail := readXML(t, s.send("GetUserCertificateDetail", params{"CertId": row.all("CertificateId")[0].Text}))
	expect(t, "Cert", detail.all("Cert")[0].Text, p.Cert)
}

func TestCommandLineReadsErrorsInXML(t *testing.T) {
	t.Parallel()
	s := script{t, testenv.New(t).Tenant, acceptXML}
	answer := s.send("DescribeCertificateState", params{"OrderId": "1"})
	root := readXML(t, answer)
	expect(t, "status", answer.Status, http.StatusNotFound)
	expect(t, "root", root.XMLName.Local, "Error")
	for _, name := range []string{"Code", "Message", "RequestId", "HostId", "Recommend"} {
		if found := root.all(name); len(found) != 1 || found[0].Text == "" {
			t.Errorf("%s: %v", name, found)
		}
	}
}

// A PEM that lost its line breaks on a command line is an error of format.
func TestCommandLineWithoutLineBreaks(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	s := script{t, env.Tenant, olderGo}
	p := testcert.New(t, env.Clock.Now(), "flat.example.test")
	s.refused("UploadUserCertificate", params{"Name": "flat", "Cert": strings.ReplaceAll(p.Cert, "\n", " "), "Key": p.Key},
		http.StatusBadRequest, "CertificateFormatException")
}

// Some clients ask first whose key they have.
func TestCommandLineIdentity(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	who := script{t, env.Tenant, olderGo}.version("2015-04-01").call("GetCallerIdentity", nil)
	for _, name := range []string{"AccountId", "UserId", "Arn", "IdentityType", "PrincipalId"} {
		if who.text(name) == "" {
			t.Errorf("%s is empty", name)
		}
	}
}
