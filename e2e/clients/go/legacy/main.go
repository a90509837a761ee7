// Command legacy drives the older client, alibaba-cloud-sdk-go: V1 signature,
// everything in the query.
package main

import (
	"errors"
	"strconv"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/cas"

	"chancery/e2e/clients/go/journey"
)

type client struct {
	cas    *cas.Client
	method string
}

func main() {
	journey.Main(connect)
}

func connect(set journey.Settings) (journey.Client, error) {
	key := credentials.NewAccessKeyCredential(set.AccessKeyID, set.AccessKeySecret)
	config := sdk.NewConfig().WithScheme(requests.HTTP).WithAutoRetry(set.Retry).WithMaxRetryTime(8)
	c, err := cas.NewClientWithOptions("cn-hangzhou", config, key)
	if err != nil {
		return nil, err
	}
	c.Domain = set.Endpoint
	return client{c, set.HTTPMethod}, nil
}

// as chooses the HTTP method; the client's own is POST.
func (c client) as(request *requests.RpcRequest) {
	if c.method != "" {
		request.Method = c.method
	}
}

func (c client) Quota(productCode string) (journey.Quota, error) {
	request := cas.CreateDescribePackageStateRequest()
	c.as(request.RpcRequest)
	request.ProductCode = productCode
	answer, err := c.cas.DescribePackageState(request)
	if err != nil {
		return journey.Quota{}, err
	}
	return journey.Quota{
		Total:       answer.TotalCount,
		Used:        answer.UsedCount,
		Issued:      answer.IssuedCount,
		ProductCode: answer.ProductCode,
	}, nil
}

// Create leaves the tags out: the client's model of this call has none.
func (c client) Create(order journey.Order) (string, error) {
	request := cas.CreateCreateCertificateRequestRequest()
	c.as(request.RpcRequest)
	request.Username = order.Username
	request.Phone = order.Phone
	request.Email = order.Email
	request.Domain = order.Domain
	request.ValidateType = order.ValidateType
	request.ProductCode = order.ProductCode
	answer, err := c.cas.CreateCertificateRequest(request)
	if err != nil {
		return "", err
	}
	return strconv.FormatInt(answer.OrderId, 10), nil
}

func (c client) CreateWithCSR(order journey.Order) (string, error) {
	request := cas.CreateCreateCertificateWithCsrRequestRequest()
	c.as(request.RpcRequest)
	request.Username = order.Username
	request.Phone = order.Phone
	request.Email = order.Email
	request.Csr = order.CSR
	request.ValidateType = order.ValidateType
	request.ProductCode = order.ProductCode
	answer, err := c.cas.CreateCertificateWithCsrRequest(request)
	if err != nil {
		return "", err
	}
	return strconv.FormatInt(answer.OrderId, 10), nil
}

func (c client) State(orderID string) (journey.State, error) {
	request := cas.CreateDescribeCertificateStateRequest()
	c.as(request.RpcRequest)
	request.OrderId = requests.Integer(orderID)
	answer, err := c.cas.DescribeCertificateState(request)
	if err != nil {
		return journey.State{}, err
	}
	return journey.State{
		Proof: journey.Proof{
			Type:         answer.Type,
			ValidateType: answer.ValidateType,
			RecordDomain: answer.RecordDomain,
			RecordType:   answer.RecordType,
			RecordValue:  answer.RecordValue,
			Domain:       answer.Domain,
			URI:          answer.Uri,
			Content:      answer.Content,
		},
		Issue: journey.Issue{
			Certificate: answer.Certificate,
			PrivateKey:  answer.PrivateKey,
		},
	}, nil
}

func (c client) Cancel(orderID string) error {
	request := cas.CreateCancelOrderRequestRequest()
	c.as(request.RpcRequest)
	request.OrderId = requests.Integer(orderID)
	_, err := c.cas.CancelOrderRequest(request)
	return err
}

func (c client) Remove(orderID string) error {
	request := cas.CreateDeleteCertificateRequestRequest()
	c.as(request.RpcRequest)
	request.OrderId = requests.Integer(orderID)
	_, err := c.cas.DeleteCertificateRequest(request)
	return err
}

// Fault carries the client's own advice in Recommend: after a signature
// mismatch it has compared the service's string to sign with its own.
func (c client) Fault(err error) (journey.Fault, bool) {
	answer, ok := errors.AsType[*sdkerrors.ServerError](err)
	if !ok {
		return journey.Fault{}, false
	}
	return journey.Fault{
		Code:      answer.ErrorCode(),
		Status:    answer.HttpStatus(),
		Message:   answer.Message(),
		RequestID: answer.RequestId(),
		Recommend: answer.Recommend(),
	}, true
}
