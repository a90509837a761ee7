package matrix

import (
	"chancery/cas"
	"chancery/sts"
)

// row says how to call an operation rightly. One operation may have several, for
// the kinds of things it can be told.
type row struct {
	// object is what the call names by an id; none for a call that names nothing.
	object kind
	// spent: the object is not good for another call after this one.
	spent bool
	// input is that of a call on the object of the id.
	input func(w *world, id string) any
}

// kind is a kind of objects; how they are made stands in world_test.go.
type kind string

const (
	none        kind = ""
	waiting     kind = "an order that waits for its proof"
	withdrawn   kind = "a withdrawn order"
	issued      kind = "an issued order"
	ending      kind = "an issued order whose certificate is about to end"
	instance    kind = "an order, by its instance"
	certificate kind = "an issued certificate"
	upload      kind = "an uploaded certificate"
	uploadNamed kind = "an uploaded certificate, by its instance"
	csr         kind = "a stored CSR with its key"
	keyless     kind = "a stored CSR without key"
	contact     kind = "a contact"
	company     kind = "a company"
	role        kind = "a role"
)

// rows has every operation that is served, by version and name.
var rows = map[string][]row{
	"2020-04-07 CreateCertificateRequest": {{input: func(w *world, _ string) any {
		return cas.CreateCertificateRequestInput{Username: "Ada", Phone: "139", Email: "ada@example.test", Domain: w.name(), ValidateType: "DNS"}
	}}},
	"2020-04-07 CreateCertificateWithCsrRequest": {{input: func(w *world, _ string) any {
		return cas.CreateCertificateWithCsrRequestInput{Username: "Ada", Phone: "139", Email: "ada@example.test", Csr: w.newRequest(), ValidateType: "DNS"}
	}}},
	"2020-04-07 CreateCertificateForPackageRequest": {{input: func(w *world, _ string) any {
		return cas.CreateCertificateForPackageRequestInput{Domain: w.name(), ValidateType: "DNS", Username: "Ada", Phone: "139", Email: "ada@example.test"}
	}}},
	"2020-04-07 RenewCertificateOrderForPackageRequest": {{object: ending, input: func(_ *world, id string) any {
		return cas.RenewCertificateOrderForPackageRequestInput{OrderId: number(id)}
	}}},
	"2020-04-07 DescribeCertificateState": {
		{object: waiting, input: func(_ *world, id string) any {
			return cas.DescribeCertificateStateInput{OrderId: number(id), Verbose: true}
		}},
		{object: issued, input: func(_ *world, id string) any { return cas.DescribeCertificateStateInput{OrderId: number(id)} }},
	},
	"2020-04-07 DescribePackageState":     {{input: func(*world, string) any { return cas.DescribePackageStateInput{} }}},
	"2020-04-07 CancelOrderRequest":       {{object: waiting, spent: true, input: orderInput}},
	"2020-04-07 DeleteCertificateRequest": {{object: withdrawn, spent: true, input: orderInput}},
	"2020-04-07 CancelCertificateForPackageRequest": {
		{object: issued, spent: true, input: func(_ *world, id string) any { return cas.CancelCertificateForPackageRequestInput{OrderId: number(id)} }},
		{object: withdrawn, spent: true, input: func(_ *world, id string) any { return cas.CancelCertificateForPackageRequestInput{OrderId: number(id)} }},
	},
	"2020-04-07 CreateCsr": {{input: func(w *world, _ string) any {
		return cas.CreateCsrInput{Algorithm: "ECC", KeySize: 256, CommonName: w.name(), CountryCode: "CN", Province: "Zhejiang", Locality: "Hangzhou"}
	}}},
	"2020-04-07 UploadCsr":    {{input: func(w *world, _ string) any { return cas.UploadCsrInput{Csr: w.newRequest()} }}},
	"2020-04-07 UpdateCsr":    {{object: keyless, spent: true, input: func(w *world, id string) any { return cas.UpdateCsrInput{CsrId: number(id), Key: w.keyOf(id)} }}},
	"2020-04-07 GetCsrDetail": {{object: csr, input: csrInput}},
	"2020-04-07 ListCsr":      {{input: func(*world, string) any { return cas.ListCsrInput{} }}},
	"2020-04-07 DeleteCsr":    {{object: csr, spent: true, input: csrInput}, {object: keyless, spent: true, input: csrInput}},

	"2020-04-07 ListContact":   {{input: func(*world, string) any { return cas.ListContactInput{} }}},
	"2020-04-07 CreateContact": {{input: func(*world, string) any { return cas.CreateContactInput{Name: "Ada", Mobile: "139"} }}},
	"2020-04-07 UpdateContact": {{object: contact, input: func(_ *world, id string) any { return cas.UpdateContactInput{ContactId: number(id), Name: "Ada L."} }}},
	"2020-04-07 GetContact": {
		{object: contact, input: func(_ *world, id string) any { return cas.GetContactInput{ContactId: number(id)} }},
		{input: func(*world, string) any { return cas.GetContactInput{} }},
	},
	"2020-04-07 DeleteContact": {{object: contact, spent: true, input: func(_ *world, id string) any { return cas.ContactInput{ContactId: number(id)} }}},
	"2020-04-07 CreateCompany": {{input: func(*world, string) any {
		return cas.CreateCompanyInput{
			CompanyName: "Example", CompanyType: 1, CompanyCode: "9133", CompanyPhone: "139", CompanyAddress: "1 Road", PostCode: "310000",
			CountryCode: "CN", Province: "Zhejiang", City: "Hangzhou", Lang: "en",
		}
	}}},
	"2020-04-07 UpdateCompany": {{object: company, input: func(_ *world, id string) any {
		return cas.UpdateCompanyInput{
			CompanyId: number(id), CompanyName: "Example", CompanyType: 1, CompanyCode: "9133", CompanyPhone: "139", CompanyAddress: "1 Road",
			PostCode: "310000", CountryCode: "CN", Province: "Zhejiang", City: "Hangzhou",
		}
	}}},
	"2020-04-07 GetCompany": {{object: company, input: func(_ *world, id string) any { return cas.CompanyInput{CompanyId: number(id)} }}},
	"2020-04-07 ListCompanies": {
		{input: func(*world, string) any { return cas.ListCompaniesInput{} }},
		{object: company, input: func(_ *world, id string) any { return cas.ListCompaniesInput{CompanyId: number(id)} }},
	},
	"2020-04-07 DeleteCompany": {{object: company, spent: true, input: func(_ *world, id string) any { return cas.CompanyInput{CompanyId: number(id)} }}},

	"2020-04-07 ListUserCertificateOrder": {{input: func(*world, string) any { return cas.ListUserCertificateOrderInput{OrderType: "CERT"} }}},
	"2020-04-07 UploadUserCertificate": {{input: func(w *world, _ string) any {
		pair := w.newPair()
		return cas.UploadUserCertificateInput{Name: w.name(), Cert: pair.Cert, Key: pair.Key}
	}}},
	"2020-04-07 GetUserCertificateDetail": {
		{object: certificate, input: func(_ *world, id string) any { return cas.GetUserCertificateDetailInput{CertId: number(id)} }},
		{object: upload, input: func(_ *world, id string) any {
			return cas.GetUserCertificateDetailInput{CertId: number(id), CertFilter: true}
		}},
	},
	"2020-04-07 DeleteUserCertificate": {{object: upload, spent: true, input: certificateInput}},
	"2020-04-07 MoveResourceGroup": {
		{object: instance, input: func(_ *world, id string) any { return move("instance", id) }},
		{object: certificate, input: func(_ *world, id string) any { return move("Certificate", id) }},
		{object: uploadNamed, input: func(_ *world, id string) any { return move("Certificate", id) }},
	},

	"2018-07-13 CreateUserCertificate": {{input: func(w *world, _ string) any {
		pair := w.newPair()
		return cas.CreateUserCertificateInput{Name: w.name(), Cert: pair.Cert, Key: pair.Key}
	}}},
	"2018-07-13 DescribeUserCertificateList":   {{input: func(*world, string) any { return cas.DescribeUserCertificateListInput{} }}},
	"2018-07-13 DescribeUserCertificateDetail": {{object: certificate, input: certificateInput}, {object: upload, input: certificateInput}},
	"2018-07-13 DeleteUserCertificate":         {{object: upload, spent: true, input: certificateInput}},
	"2018-08-13 CreateCertificateName": {{object: upload, input: func(w *world, id string) any {
		return cas.CreateCertificateNameInput{CertificateId: number(id), Name: w.fixedName()}
	}}},

	"2015-04-01 GetCallerIdentity": {{input: func(*world, string) any { return sts.GetCallerIdentityInput{} }}},
	"2015-04-01 AssumeRole": {{object: role, input: func(_ *world, id string) any {
		return sts.AssumeRoleInput{RoleArn: id, RoleSessionName: "matrix"}
	}}},
}

func orderInput(_ *world, id string) any       { return cas.OrderInput{OrderId: number(id)} }
func csrInput(_ *world, id string) any         { return cas.CSRInput{CsrId: number(id)} }
func certificateInput(_ *world, id string) any { return cas.CertificateInput{CertId: number(id)} }

func move(kind, id string) any {
	return cas.MoveResourceGroupInput{ResourceId: id, ResourceType: kind, ResourceGroupId: "rg-matrix"}
}
