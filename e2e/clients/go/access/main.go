// Command access shows how the Go clients get along with roles, temporary
// credentials and throttling. ../../README.md describes the contract.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/cas"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/sts"
)

// key is what signs. The token is of temporary ones.
type key struct {
	AccessKeyId, AccessKeySecret, SecurityToken string
}

// client is one of the two.
type client interface {
	assume(role string) (key, error)
	whoAmI() (arn string, err error)
	call() error // DescribePackageState
	code(err error) string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	own := key{os.Getenv("CHANCERY_ACCESS_KEY_ID"), os.Getenv("CHANCERY_ACCESS_KEY_SECRET"), ""}
	connect := map[string]func(key) (client, error){"openapi": newCurrent, "legacy": newLegacy}[os.Getenv("CHANCERY_CLIENT")]
	if connect == nil {
		return errors.New("CHANCERY_CLIENT is openapi or legacy")
	}
	c, err := connect(own)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if calls, err := strconv.Atoi(os.Getenv("CHANCERY_CALLS")); err == nil {
		return out.Encode(throttled(c, calls))
	}
	temporary, err := c.assume(os.Getenv("CHANCERY_ROLE"))
	if err != nil {
		return fmt.Errorf("AssumeRole: %w", err)
	}
	if c, err = connect(temporary); err != nil {
		return err
	}
	arn, err := c.whoAmI()
	if err != nil {
		return fmt.Errorf("GetCallerIdentity: %w", err)
	}
	err = c.call()
	if err := out.Encode(map[string]any{"step": "assumed", "arn": arn, "code": c.code(err), "accessKeyId": temporary.AccessKeyId}); err != nil {
		return err
	}
	temporary.SecurityToken = ""
	if c, err = connect(temporary); err != nil {
		return err
	}
	return out.Encode(map[string]any{"step": "without token", "code": c.code(c.call())})
}

// throttled makes so many calls, one after another.
func throttled(c client, calls int) map[string]any {
	failed, code := 0, ""
	for range calls {
		if err := c.call(); err != nil {
			failed, code = failed+1, c.code(err)
		}
	}
	return map[string]any{"step": "throttled", "failed": failed, "code": code}
}

// current is darabonba-openapi: V3. It retries what it is told to.
type current struct{ *openapi.Client }

func newCurrent(k key) (client, error) {
	endpoint := os.Getenv("CHANCERY_ENDPOINT")
	config := &utils.Config{Endpoint: &endpoint, Protocol: dara.String("http"), AccessKeyId: &k.AccessKeyId, AccessKeySecret: &k.AccessKeySecret}
	if k.SecurityToken != "" {
		config.SecurityToken = &k.SecurityToken
	}
	config.RetryOptions = &dara.RetryOptions{Retryable: true, RetryCondition: []*dara.RetryCondition{
		{MaxAttempts: 3, ErrorCode: []string{"Throttling.User"}, MaxDelay: 120},
	}}
	c, err := openapi.NewClient(config)
	return current{c}, err
}

func (c current) do(version, operation string, parameters map[string]any) (map[string]any, error) {
	result, err := c.CallApi(&utils.Params{
		Action: &operation, Version: &version, Protocol: dara.String("HTTPS"), Pathname: dara.String("/"), Method: dara.String("POST"),
		AuthType: dara.String("AK"), Style: dara.String("RPC"), ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
	}, &utils.OpenApiRequest{Query: utils.Query(parameters)}, &dara.RuntimeOptions{})
	if err != nil {
		return nil, err
	}
	body, _ := result["body"].(map[string]any)
	return body, nil
}

func (c current) assume(role string) (k key, err error) {
	body, err := c.do("2015-04-01", "AssumeRole", map[string]any{"RoleArn": role, "RoleSessionName": "go-openapi"})
	if err != nil {
		return k, err
	}
	return k, dara.Convert(body["Credentials"], &k)
}

func (c current) whoAmI() (string, error) {
	body, err := c.do("2015-04-01", "GetCallerIdentity", map[string]any{})
	return fmt.Sprint(body["Arn"]), err
}

func (c current) call() error {
	_, err := c.do("2020-04-07", "DescribePackageState", map[string]any{})
	return err
}

func (c current) code(err error) string {
	if problem, ok := errors.AsType[*tea.SDKError](err); ok {
		return tea.StringValue(problem.Code)
	}
	return text(err)
}

// older is alibaba-cloud-sdk-go: V1. It retries after HTTP 500 and above alone.
type older struct {
	cas *cas.Client
	sts *sts.Client
}

func newLegacy(k key) (c client, err error) {
	var credential auth.Credential = credentials.NewAccessKeyCredential(k.AccessKeyId, k.AccessKeySecret)
	if k.SecurityToken != "" {
		credential = credentials.NewStsTokenCredential(k.AccessKeyId, k.AccessKeySecret, k.SecurityToken)
	}
	config := func() *sdk.Config {
		return sdk.NewConfig().WithScheme(requests.HTTP).WithAutoRetry(true).WithTimeout(30 * time.Second)
	}
	made := older{}
	if made.cas, err = cas.NewClientWithOptions("cn-hangzhou", config(), credential); err != nil {
		return nil, err
	}
	if made.sts, err = sts.NewClientWithOptions("cn-hangzhou", config(), credential); err != nil {
		return nil, err
	}
	made.cas.Domain, made.sts.Domain = os.Getenv("CHANCERY_ENDPOINT"), os.Getenv("CHANCERY_ENDPOINT")
	return made, nil
}

func (c older) assume(role string) (key, error) {
	request := sts.CreateAssumeRoleRequest()
	request.Scheme = requests.HTTP
	request.RoleArn, request.RoleSessionName = role, "go-legacy"
	answer, err := c.sts.AssumeRole(request)
	if err != nil {
		return key{}, err
	}
	return key{answer.Credentials.AccessKeyId, answer.Credentials.AccessKeySecret, answer.Credentials.SecurityToken}, nil
}

func (c older) whoAmI() (string, error) {
	request := sts.CreateGetCallerIdentityRequest()
	request.Scheme = requests.HTTP
	answer, err := c.sts.GetCallerIdentity(request)
	if err != nil {
		return "", err
	}
	return answer.Arn, nil
}

func (c older) call() error {
	_, err := c.cas.DescribePackageState(cas.CreateDescribePackageStateRequest())
	return err
}

func (c older) code(err error) string {
	if answer, ok := errors.AsType[*sdkerrors.ServerError](err); ok {
		return answer.ErrorCode()
	}
	return text(err)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
