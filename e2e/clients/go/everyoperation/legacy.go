package main

import (
	"fmt"
	"os"
	"reflect"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/cas"
)

// legacy is the older client: V1, everything in the query. Its models have
// neither tags nor client tokens, and a SourceIp that means nothing here.
type legacy struct {
	*program
	client *cas.Client
}

// do makes one call of the client and prints it. in is the request as it is
// about to be sent.
func do[In, Out any](l legacy, operation string, call func(*cas.Client, In) (Out, error), in In) (out Out) {
	if !l.serves(current, operation) {
		return out
	}
	out, err := call(l.client, in)
	printed := line{Operation: operation, Version: current, Client: "legacy", Parameters: given(in), OK: err == nil, Answer: out}
	if err != nil {
		printed.Error, printed.Answer = err.Error(), nil
	}
	l.print(printed)
	return out
}

// given names the fields of a request that have a value.
func given(request any) (names []string) {
	value := reflect.ValueOf(request).Elem()
	for i := range value.NumField() {
		if field := value.Type().Field(i); field.Tag.Get("position") != "" && !value.Field(i).IsZero() {
			names = append(names, field.Name)
		}
	}
	return names
}

func number[N ~int64](n N) requests.Integer { return requests.Integer(fmt.Sprint(int64(n))) }

const sourceIP = "127.0.0.1"

func (p *program) byLegacy() error {
	key := credentials.NewAccessKeyCredential(os.Getenv("CHANCERY_ACCESS_KEY_ID"), os.Getenv("CHANCERY_ACCESS_KEY_SECRET"))
	client, err := cas.NewClientWithOptions("cn-hangzhou", sdk.NewConfig().WithScheme(requests.HTTP), key)
	if err != nil {
		return err
	}
	client.Domain = os.Getenv("CHANCERY_ENDPOINT")
	l := legacy{p, client}
	l.apply()
	l.renew()
	l.keep()
	return nil
}

// apply calls what orders go through until they are gone.
func (l legacy) apply() {
	create := cas.CreateCreateCertificateRequestRequest()
	create.Username, create.Phone, create.Email, create.SourceIp = "Tom O'Neil (ops) ä+*~", "13900001111", "ops+dv@example.com", sourceIP
	create.Domain, create.ValidateType, create.ProductCode = "legacy.example.test", "DNS", "brief"
	order := int64(0)
	if made := do(l, "CreateCertificateRequest", (*cas.Client).CreateCertificateRequest, create); made != nil {
		order = made.OrderId
	}
	withCSR := cas.CreateCreateCertificateWithCsrRequestRequest()
	withCSR.Username, withCSR.Phone, withCSR.Email, withCSR.SourceIp = "Tom", "13900001111", "ops@example.com", sourceIP
	withCSR.Csr, withCSR.ValidateType, withCSR.ProductCode = l.given.OtherCsr, "DNS", "brief"
	do(l, "CreateCertificateWithCsrRequest", (*cas.Client).CreateCertificateWithCsrRequest, withCSR)

	state := cas.CreateDescribeCertificateStateRequest()
	state.OrderId, state.SourceIp = number(order), sourceIP
	do(l, "DescribeCertificateState", (*cas.Client).DescribeCertificateState, state)
	withdraw := cas.CreateCancelOrderRequestRequest()
	withdraw.OrderId, withdraw.SourceIp = number(order), sourceIP
	do(l, "CancelOrderRequest", (*cas.Client).CancelOrderRequest, withdraw)
	remove := cas.CreateDeleteCertificateRequestRequest()
	remove.OrderId, remove.SourceIp = number(order), sourceIP
	do(l, "DeleteCertificateRequest", (*cas.Client).DeleteCertificateRequest, remove)
	quota := cas.CreateDescribePackageStateRequest()
	quota.ProductCode, quota.SourceIp = "brief", sourceIP
	do(l, "DescribePackageState", (*cas.Client).DescribePackageState, quota)
}

// renew calls what packages have besides.
func (l legacy) renew() {
	create := cas.CreateCreateCertificateForPackageRequestRequest()
	create.Username, create.Phone, create.Email, create.SourceIp = "Tom", "13900001111", "ops@example.com", sourceIP
	create.Domain, create.Csr, create.ValidateType = "ignored.example.test", l.given.OtherCsr, "FILE"
	create.ProductCode, create.CompanyName = "brief", "Example"
	order := int64(0)
	if made := do(l, "CreateCertificateForPackageRequest", (*cas.Client).CreateCertificateForPackageRequest, create); made != nil {
		order = made.OrderId
	}
	withdraw := cas.CreateCancelOrderRequestRequest()
	withdraw.OrderId, withdraw.SourceIp = number(order), sourceIP
	do(l, "CancelOrderRequest", (*cas.Client).CancelOrderRequest, withdraw)
	cancel := cas.CreateCancelCertificateForPackageRequestRequest()
	cancel.OrderId, cancel.SourceIp = number(order), sourceIP
	do(l, "CancelCertificateForPackageRequest", (*cas.Client).CancelCertificateForPackageRequest, cancel)

	renew := cas.CreateRenewCertificateOrderForPackageRequestRequest()
	renew.OrderId, renew.Csr, renew.SourceIp = number(l.given.IssuedOrder), l.given.RenewalCsr, sourceIP
	do(l, "RenewCertificateOrderForPackageRequest", (*cas.Client).RenewCertificateOrderForPackageRequest, renew)
}

// keep calls what certificates go through.
func (l legacy) keep() {
	upload := cas.CreateUploadUserCertificateRequest()
	upload.Name, upload.Cert, upload.Key, upload.ResourceGroupId, upload.SourceIp = "legacy ä+*~", l.given.Cert, l.given.Key, "rg-one", sourceIP
	id := int64(0)
	if made := do(l, "UploadUserCertificate", (*cas.Client).UploadUserCertificate, upload); made != nil {
		id = made.CertId
	}
	sm2 := cas.CreateUploadUserCertificateRequest()
	sm2.Name, sm2.SignCert, sm2.SignPrivateKey = "legacy SM2", l.given.SignCert, l.given.SignKey
	sm2.EncryptCert, sm2.EncryptPrivateKey = l.given.EncryptCert, l.given.EncryptKey
	do(l, "UploadUserCertificate", (*cas.Client).UploadUserCertificate, sm2)

	list := cas.CreateListUserCertificateOrderRequest()
	list.OrderType, list.Status, list.Keyword, list.ResourceGroupId, list.SourceIp = "CERT", "ISSUED", "example", "rg-one", sourceIP
	list.CurrentPage, list.ShowSize = "1", "50"
	do(l, "ListUserCertificateOrder", (*cas.Client).ListUserCertificateOrder, list)
	detail := cas.CreateGetUserCertificateDetailRequest()
	detail.CertId, detail.CertFilter, detail.SourceIp = number(id), "false", sourceIP
	do(l, "GetUserCertificateDetail", (*cas.Client).GetUserCertificateDetail, detail)
	remove := cas.CreateDeleteUserCertificateRequest()
	remove.CertId, remove.SourceIp = number(id), sourceIP
	do(l, "DeleteUserCertificate", (*cas.Client).DeleteUserCertificate, remove)
}
