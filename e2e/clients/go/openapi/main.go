// Command openapi drives the current generic client, darabonba-openapi: V3
// signature, parameters in the query.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"strconv"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"

	"chancery/e2e/clients/go/journey"
)

type client struct {
	openapi *openapi.Client
	method  string
}

func main() {
	journey.Main(connect)
}

func connect(set journey.Settings) (journey.Client, error) {
	config := &utils.Config{
		Endpoint:        &set.Endpoint,
		Protocol:        dara.String("http"),
		AccessKeyId:     &set.AccessKeyID,
		AccessKeySecret: &set.AccessKeySecret,
	}
	if set.Retry { // it knows codes of answers alone, and no error of the network
		config.RetryOptions = &dara.RetryOptions{Retryable: true, RetryCondition: []*dara.RetryCondition{
			{MaxAttempts: 8, ErrorCode: []string{"ServiceUnavailable"}},
		}}
	}
	c, err := openapi.NewClient(config)
	if err != nil {
		return nil, err
	}
	return client{c, cmp.Or(set.HTTPMethod, "POST")}, nil
}

// call sends one operation and reads the answer into a model, as the generated
// clients do. Parameters without a value are left out.
func (c client) call(action string, parameters map[string]any, model any) error {
	for name, value := range parameters {
		if value == "" {
			delete(parameters, name)
		}
	}
	result, err := c.openapi.CallApi(&utils.Params{
		Action:      &action,
		Version:     dara.String("2020-04-07"),
		Protocol:    dara.String("HTTPS"),
		Pathname:    dara.String("/"),
		Method:      &c.method,
		AuthType:    dara.String("AK"),
		Style:       dara.String("RPC"),
		ReqBodyType: dara.String("formData"),
		BodyType:    dara.String("json"),
	}, &utils.OpenApiRequest{Query: utils.Query(parameters)}, &dara.RuntimeOptions{})
	if err != nil {
		return err
	}
	return dara.Convert(result["body"], model)
}

func (c client) Quota(productCode string) (journey.Quota, error) {
	var answer struct {
		TotalCount, UsedCount, IssuedCount int64
		ProductCode                        string
	}
	err := c.call("DescribePackageState", map[string]any{"ProductCode": productCode}, &answer)
	return journey.Quota{
		Total:       answer.TotalCount,
		Used:        answer.UsedCount,
		Issued:      answer.IssuedCount,
		ProductCode: answer.ProductCode,
	}, err
}

func (c client) Create(order journey.Order) (string, error) {
	return c.create("CreateCertificateRequest", order)
}

func (c client) CreateWithCSR(order journey.Order) (string, error) {
	return c.create("CreateCertificateWithCsrRequest", order)
}

func (c client) create(action string, order journey.Order) (string, error) {
	var answer struct{ OrderId int64 }
	err := c.call(action, map[string]any{
		"Username":     order.Username,
		"Phone":        order.Phone,
		"Email":        order.Email,
		"Domain":       order.Domain,
		"Csr":          order.CSR,
		"ValidateType": order.ValidateType,
		"ProductCode":  order.ProductCode,
		"Tags":         []map[string]string{{"Key": order.TagKey, "Value": order.TagValue}},
	}, &answer)
	return strconv.FormatInt(answer.OrderId, 10), err
}

func (c client) State(orderID string) (journey.State, error) {
	var answer struct {
		Type, ValidateType                    string
		RecordDomain, RecordType, RecordValue string
		Domain, Uri, Content                  string
		Certificate, PrivateKey               string
	}
	err := c.call("DescribeCertificateState", map[string]any{"OrderId": orderID}, &answer)
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
	}, err
}

func (c client) Cancel(orderID string) error {
	return c.call("CancelOrderRequest", map[string]any{"OrderId": orderID}, &struct{}{})
}

func (c client) Remove(orderID string) error {
	return c.call("DeleteCertificateRequest", map[string]any{"OrderId": orderID}, &struct{}{})
}

// Fault finds the request id and the recommendation in the error body, which
// the client keeps as JSON text.
func (c client) Fault(err error) (journey.Fault, bool) {
	problem, ok := errors.AsType[*tea.SDKError](err)
	if !ok {
		return journey.Fault{}, false
	}
	var body struct{ RequestId, Recommend string }
	if err := json.Unmarshal([]byte(tea.StringValue(problem.Data)), &body); err != nil {
		return journey.Fault{}, false
	}
	return journey.Fault{
		Code:      tea.StringValue(problem.Code),
		Status:    tea.IntValue(problem.StatusCode),
		Message:   tea.StringValue(problem.Message),
		RequestID: body.RequestId,
		Recommend: body.Recommend,
	}, true
}
