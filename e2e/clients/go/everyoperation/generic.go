package main

import (
	"maps"
	"os"
	"slices"
	"strings"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
)

// fields are parameters by their names on the wire.
type fields map[string]any

// generic is the call of the current client that generated ones are made of: V3,
// parameters in the query.
type generic struct {
	*program
	client *openapi.Client
}

func (g generic) call(version, operation string, in fields) (map[string]any, error) {
	result, err := g.client.CallApi(&utils.Params{
		Action: &operation, Version: &version, Protocol: dara.String("HTTPS"), Pathname: dara.String("/"), Method: dara.String("POST"),
		AuthType: dara.String("AK"), Style: dara.String("RPC"), ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
	}, &utils.OpenApiRequest{Query: utils.Query(in)}, &dara.RuntimeOptions{})
	if err != nil {
		return nil, err
	}
	body, _ := result["body"].(map[string]any)
	return body, nil
}

// do makes one call and prints it.
func (g generic) do(version, operation string, in fields) map[string]any {
	if !g.serves(version, operation) {
		return nil
	}
	answer, err := g.call(version, operation, in)
	l := line{Operation: operation, Version: version, Client: "generic", Parameters: slices.Collect(maps.Keys(in)), OK: err == nil, Answer: answer}
	if err != nil {
		l.Error = err.Error()
	}
	g.print(l)
	return answer
}

// now is do for the current version.
func (g generic) now(operation string, in fields) map[string]any {
	return g.do(current, operation, in)
}

var (
	tags   = []map[string]any{{"Key": "env", "Value": "a b~c"}, {"Key": "Größe", "Value": "+"}}
	person = fields{"Username": "Tom O'Neil (ops) ä+*~", "Phone": "13900001111", "Email": "ops+dv@example.com"}
	pages  = fields{"CurrentPage": 1, "ShowSize": 50}
)

// with gives fields some more.
func (f fields) with(more ...fields) fields {
	all := maps.Clone(f)
	for _, one := range more {
		maps.Copy(all, one)
	}
	return all
}

func (p *program) byGeneric() error {
	endpoint, id, secret := os.Getenv("CHANCERY_ENDPOINT"), os.Getenv("CHANCERY_ACCESS_KEY_ID"), os.Getenv("CHANCERY_ACCESS_KEY_SECRET")
	client, err := openapi.NewClient(&utils.Config{Endpoint: &endpoint, Protocol: dara.String("http"), AccessKeyId: &id, AccessKeySecret: &secret})
	if err != nil {
		return err
	}
	g := generic{p, client}
	g.do("2015-04-01", "GetCallerIdentity", fields{})
	contact, company := g.people()
	g.requests()
	g.orders()
	g.certificates()
	g.now("DeleteContact", fields{"ContactId": contact})
	g.now("DeleteCompany", fields{"CompanyId": company})
	return nil
}

func (g generic) people() (contact, company any) {
	person := fields{"Name": "Ada", "Mobile": "13900001111", "Email": "ada@example.com", "Idcard": "4711", "Webhooks": `["https://example.com/hook"]`}
	contact = g.now("CreateContact", person)["ContactId"]
	g.now("UpdateContact", person.with(fields{"ContactId": contact, "Name": "Ada L."}))
	g.now("GetContact", fields{"ContactId": contact})
	g.now("ListContact", pages.with(fields{"Keyword": "ada"}))

	firm := fields{
		"CompanyName": "Example & Söhne", "CompanyType": 1, "CompanyCode": "91-1", "CompanyPhone": "+86 571", "CompanyEmail": "ops@example.com",
		"CompanyAddress": "1 High Street", "PostCode": "310000", "CountryCode": "CN", "Province": "Zhejiang", "City": "Hangzhou",
		"Department": "IT", "Lang": "en",
	}
	company = g.now("CreateCompany", firm)["CompanyId"]
	g.now("UpdateCompany", firm.with(fields{"CompanyId": company, "City": "Ningbo"}))
	g.now("GetCompany", fields{"CompanyId": company})
	g.now("ListCompanies", pages.with(fields{"CompanyId": company, "Keyword": "example"}))
	return contact, company
}

func (g generic) requests() {
	made := g.now("CreateCsr", fields{
		"Algorithm": "ECC", "KeySize": 256, "CommonName": "csr.example.test", "CountryCode": "CN", "Province": "Zhejiang", "Locality": "Hangzhou",
		"CorpName": "Example", "Department": "IT", "Sans": "www.csr.example.test", "Name": "made",
	})["CsrId"]
	g.now("UploadCsr", fields{"Csr": g.given.Csr, "Key": g.given.CsrKey, "Name": "with-key"})
	bare := g.now("UploadCsr", fields{"Csr": g.given.OtherCsr, "Name": "without-key"})["CsrId"]
	g.now("UpdateCsr", fields{"CsrId": bare, "Key": g.given.OtherCsrKey})
	g.now("GetCsrDetail", fields{"CsrId": bare})
	g.now("ListCsr", pages.with(fields{"Algorithm": "ECC", "KeyWord": "example"}))
	g.now("DeleteCsr", fields{"CsrId": made})
}

func (g generic) orders() {
	brief := person.with(fields{"ProductCode": "brief", "Tags": tags})
	order := g.now("CreateCertificateRequest", brief.with(fields{"Domain": "generic.example.test", "ValidateType": "DNS", "ClientToken": "generic-1"}))["OrderId"]
	g.now("CreateCertificateWithCsrRequest", brief.with(fields{"Csr": g.given.Csr, "ValidateType": "FILE", "ClientToken": "generic-2"}))
	organised := person.with(fields{"ProductCode": "organised", "CompanyName": "Example & Söhne", "Tags": tags, "ValidateType": "DNS"})
	cancelled := g.now("CreateCertificateForPackageRequest", organised.with(fields{
		"Domain": "ignored.example.test", "Csr": g.given.Csr, "ClientToken": "generic-3",
	}))["OrderId"]
	g.now("CreateCertificateForPackageRequest", organised.with(fields{"Domain": strings.Join([]string{"a.example.test", "b.example.test"}, ",")}))
	g.now("RenewCertificateOrderForPackageRequest", fields{
		"OrderId": g.given.IssuedOrder, "Csr": g.given.RenewalCsr, "Tags": tags, "ClientToken": "generic-4",
	})
	g.now("DescribeCertificateState", fields{"OrderId": order, "Verbose": true})
	g.now("DescribePackageState", fields{"ProductCode": "brief"})
	g.now("CancelOrderRequest", fields{"OrderId": order})
	g.now("DeleteCertificateRequest", fields{"OrderId": order})
	g.now("CancelOrderRequest", fields{"OrderId": cancelled})
	g.now("CancelCertificateForPackageRequest", fields{"OrderId": cancelled, "Reason": "superseded"})
}

func (g generic) certificates() {
	id := g.now("UploadUserCertificate", fields{
		"Name": "generic ä+*~", "Cert": g.given.Cert, "Key": g.given.Key, "ResourceGroupId": "rg-one", "Tags": tags,
	})["CertId"]
	g.now("UploadUserCertificate", fields{
		"Name": "generic SM2", "SignCert": g.given.SignCert, "SignPrivateKey": g.given.SignKey,
		"EncryptCert": g.given.EncryptCert, "EncryptPrivateKey": g.given.EncryptKey,
	})
	g.now("ListUserCertificateOrder", pages.with(fields{"OrderType": "CERT", "Status": "ISSUED", "Keyword": "example", "ResourceGroupId": "rg-one"}))
	g.now("MoveResourceGroup", fields{"ResourceId": id, "ResourceType": "Certificate", "ResourceGroupId": "rg-two", "RegionId": "cn-hangzhou"})
	g.do("2018-08-13", "CreateCertificateName", fields{"CertificateId": id, "Name": "renamed", "Tags": tags, "ResourceGroupId": "rg-three"})
	g.now("GetUserCertificateDetail", fields{"CertId": id, "CertFilter": true})
	g.now("DeleteUserCertificate", fields{"CertId": id})

	const older = "2018-07-13"
	id = g.do(older, "CreateUserCertificate", fields{"Name": "older", "Cert": g.given.Cert, "Key": g.given.Key})["CertId"]
	g.do(older, "DescribeUserCertificateList", pages)
	g.do(older, "DescribeUserCertificateDetail", fields{"CertId": id})
	g.do(older, "DeleteUserCertificate", fields{"CertId": id})
}
