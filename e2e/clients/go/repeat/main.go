// Command repeat applies for many certificates with the older client,
// alibaba-cloud-sdk-go, and its own retry, over connections that may be cut.
// ../../README.md describes the contract.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/cas"
)

const (
	atOnce = 8
	// calls is how often an application is made anew when the client gives up: it does
	// not send again what it got half an answer to.
	calls = 10
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	count, err := strconv.Atoi(os.Getenv("CHANCERY_INTENTIONS"))
	if err != nil {
		return fmt.Errorf("CHANCERY_INTENTIONS: %w", err)
	}
	key := credentials.NewAccessKeyCredential(os.Getenv("CHANCERY_ACCESS_KEY_ID"), os.Getenv("CHANCERY_ACCESS_KEY_SECRET"))
	client, err := cas.NewClientWithOptions("cn-hangzhou", sdk.NewConfig().WithScheme(requests.HTTP).WithAutoRetry(true), key)
	if err != nil {
		return err
	}
	client.Domain = os.Getenv("CHANCERY_ENDPOINT")

	numbers, failures := make(chan int), make(chan error, count)
	var lines sync.Mutex
	var hands sync.WaitGroup
	for range atOnce {
		hands.Go(func() {
			for n := range numbers {
				name := fmt.Sprintf("n%d.repeat.test", n)
				order, made, err := apply(client, name)
				if err != nil {
					failures <- fmt.Errorf("%s: %w", name, err)
					continue
				}
				text, _ := json.Marshal(map[string]any{"step": "created", "domain": name, "orderId": strconv.FormatInt(order, 10), "calls": made})
				lines.Lock()
				fmt.Println(string(text))
				lines.Unlock()
			}
		})
	}
	for n := range count {
		numbers <- n
	}
	close(numbers)
	hands.Wait()
	close(failures)
	var all []error
	for err := range failures {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// apply is one intention. An answer of the service that refuses it ends it.
func apply(client *cas.Client, name string) (order int64, made int, err error) {
	for made = 1; made <= calls; made++ {
		request := cas.CreateCreateCertificateRequestRequest()
		request.Username, request.Phone, request.Email = "Tom", "13900001111", "ops@example.com"
		request.Domain, request.ValidateType = name, "DNS"
		var answer *cas.CreateCertificateRequestResponse
		if answer, err = client.CreateCertificateRequest(request); err == nil {
			return answer.OrderId, made, nil
		}
		if refused, ok := errors.AsType[*sdkerrors.ServerError](err); ok {
			return 0, made, refused
		}
	}
	return 0, calls, err
}
