// Package client calls Chancery's API from Go: it signs, sends, retries what is
// safe to retry, and reads the answer. Inputs and outputs are those of package
// cas.
package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/signature"
)

// Client is safe for concurrent use.
type Client struct {
	endpoint    *url.URL
	credentials signature.Credentials
	http        *http.Client
}

// New makes a client of the service at endpoint ("http://127.0.0.1:8280";
// without a scheme https is meant). roots are trusted for https besides the
// system's, for a service whose certificate is from its own CA; nil is fine.
func New(endpoint string, credentials signature.Credentials, roots *x509.CertPool) (*Client, error) {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("the endpoint %q is not of the form http://host:port or https://host:port", endpoint)
	}
	u.Path = "/"
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64 // the default of 2 makes busy callers dial for nearly every call
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return &Client{endpoint: u, credentials: credentials, http: &http.Client{Transport: transport, Timeout: 30 * time.Second}}, nil
}

// Error is what the service answered instead of a result.
type Error struct {
	Status    int    `json:"-"`
	Code      string `json:"Code"`
	Message   string `json:"Message"`
	RequestID string `json:"RequestId"`
	Recommend string `json:"Recommend"`
	// RetryAfter is how long the service asks to wait before the next attempt; 0: it does not.
	RetryAfter time.Duration `json:"-"`
}

// Error tells code, message and request id.
func (e *Error) Error() string {
	return fmt.Sprintf("%s: %s (HTTP %d, request %s)", e.Code, e.Message, e.Status, e.RequestID)
}

// CreateCertificateRequest applies for a certificate. Without a ClientToken it
// makes one, so that its retries never open a second order.
func (c *Client) CreateCertificateRequest(ctx context.Context, in cas.CreateCertificateRequestInput) (*cas.CreateOutput, error) {
	in.ClientToken = orNewToken(in.ClientToken)
	return call[cas.CreateOutput](ctx, c, "CreateCertificateRequest", in)
}

// CreateCertificateWithCsrRequest applies with the caller's CSR; as above for
// the ClientToken.
func (c *Client) CreateCertificateWithCsrRequest(ctx context.Context, in cas.CreateCertificateWithCsrRequestInput) (*cas.CreateOutput, error) {
	in.ClientToken = orNewToken(in.ClientToken)
	return call[cas.CreateOutput](ctx, c, "CreateCertificateWithCsrRequest", in)
}

// CreateCertificateForPackageRequest applies for up to five names, DV or OV; as
// above for the ClientToken.
func (c *Client) CreateCertificateForPackageRequest(ctx context.Context, in cas.CreateCertificateForPackageRequestInput) (*cas.CreateOutput, error) {
	in.ClientToken = orNewToken(in.ClientToken)
	return call[cas.CreateOutput](ctx, c, "CreateCertificateForPackageRequest", in)
}

// RenewCertificateOrderForPackageRequest renews an order; as above for the
// ClientToken.
func (c *Client) RenewCertificateOrderForPackageRequest(ctx context.Context, in cas.RenewCertificateOrderForPackageRequestInput) (*cas.CreateOutput, error) {
	in.ClientToken = orNewToken(in.ClientToken)
	return call[cas.CreateOutput](ctx, c, "RenewCertificateOrderForPackageRequest", in)
}

// DescribeCertificateState reads an order's state.
func (c *Client) DescribeCertificateState(ctx context.Context, in cas.DescribeCertificateStateInput) (*cas.DescribeCertificateStateOutput, error) {
	return call[cas.DescribeCertificateStateOutput](ctx, c, "DescribeCertificateState", in)
}

// DescribePackageState reads a product's quota.
func (c *Client) DescribePackageState(ctx context.Context, in cas.DescribePackageStateInput) (*cas.DescribePackageStateOutput, error) {
	return call[cas.DescribePackageStateOutput](ctx, c, "DescribePackageState", in)
}

// ListUserCertificateOrder lists orders or certificates, a page at a time.
func (c *Client) ListUserCertificateOrder(ctx context.Context, in cas.ListUserCertificateOrderInput) (*cas.ListUserCertificateOrderOutput, error) {
	return call[cas.ListUserCertificateOrderOutput](ctx, c, "ListUserCertificateOrder", in)
}

// CancelOrderRequest withdraws an order.
func (c *Client) CancelOrderRequest(ctx context.Context, in cas.OrderInput) error {
	_, err := call[cas.Done](ctx, c, "CancelOrderRequest", in)
	return err
}

// CancelCertificateForPackageRequest revokes the certificate of an issued order,
// or cancels a withdrawn one.
func (c *Client) CancelCertificateForPackageRequest(ctx context.Context, in cas.CancelCertificateForPackageRequestInput) error {
	_, err := call[cas.Done](ctx, c, "CancelCertificateForPackageRequest", in)
	return err
}

// DeleteCertificateRequest deletes an order.
func (c *Client) DeleteCertificateRequest(ctx context.Context, in cas.OrderInput) error {
	_, err := call[cas.Done](ctx, c, "DeleteCertificateRequest", in)
	return err
}

func orNewToken(token string) string {
	if token != "" {
		return token
	}
	return rand.Text()
}

const attempts = 4

// throttled is the code of calls beyond the account's rate.
const throttled = "Throttling.User"

// call tries again after network errors, 5xx answers and calls beyond the account's
// rate, which did nothing; each time signed anew.
func call[O any](ctx context.Context, c *Client, action string, in any) (*O, error) {
	for attempt := 1; ; attempt++ {
		out := new(O)
		again, err := c.try(ctx, action, in, out)
		if err == nil {
			return out, nil
		}
		if !again || attempt == attempts || ctx.Err() != nil {
			return nil, err
		}
		pause := time.Duration(attempt*attempt) * 250 * time.Millisecond
		if told := new(Error); errors.As(err, &told) && told.RetryAfter > 0 {
			pause = told.RetryAfter
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (c *Client) try(ctx context.Context, action string, in, out any) (again bool, err error) {
	request, err := c.sign(ctx, action, in)
	if err != nil {
		return false, fmt.Errorf("signing %s: %w", action, err)
	}
	response, err := c.http.Do(request)
	if err != nil {
		// A certificate that is not trusted now will not be in a second.
		var untrusted *tls.CertificateVerificationError
		return !errors.As(err, &untrusted), fmt.Errorf("calling %s: %w", action, err)
	}
	defer func() { _ = response.Body.Close() }()
	const maxAnswer = 8 << 20
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return true, fmt.Errorf("reading the answer of %s: %w", action, err)
	}
	if response.StatusCode != http.StatusOK {
		failure := &Error{Status: response.StatusCode}
		if json.Unmarshal(body, failure) != nil || failure.Code == "" {
			return failure.Status >= 500, fmt.Errorf("%s answers %s with HTTP %d, but not as Chancery does: is it the right endpoint?", c.endpoint, action, response.StatusCode)
		}
		if ms, err := strconv.ParseInt(response.Header.Get("X-Acs-Retry-After"), 10, 64); err == nil && ms > 0 && failure.Code == throttled {
			failure.RetryAfter = time.Duration(ms) * time.Millisecond
		}
		return failure.Status >= 500 || failure.RetryAfter > 0, failure
	}
	if err := json.Unmarshal(body, out); err != nil {
		return false, fmt.Errorf("%s answers %s, but not as Chancery does: is it the right endpoint?", c.endpoint, action)
	}
	return false, nil
}

func (c *Client) sign(ctx context.Context, action string, in any) (*http.Request, error) {
	parameters := chancery.EncodeParameters(in)
	form := url.Values{}
	for name, value := range parameters {
		form.Set(name, value)
	}
	signed := &signature.Request{
		Method: http.MethodPost, Host: c.endpoint.Host, Header: http.Header{},
		Query: map[string]string{}, Form: parameters, Body: []byte(form.Encode()),
	}
	signed.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if len(parameters) == 0 {
		signed.Header.Del("Content-Type")
	}
	err := signature.Sign(signed, c.credentials, signature.Options{
		Scheme: signature.V3, Action: action, Version: cas.Version, Nonce: rand.Text(), Time: chancery.SystemClock{}.Now(),
	})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.String(), bytes.NewReader(signed.Body))
	if err != nil {
		return nil, err
	}
	request.Header = signed.Header
	request.Header.Set("User-Agent", "chancery-client")
	return request, nil
}

// Root gives the certificate of the embedded CA's root in DER, which relying
// parties must trust. The answer is not signed: over plain HTTP compare its
// fingerprint with the operator's.
func (c *Client) Root(ctx context.Context) (*x509.Certificate, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint.JoinPath("ca", "root.pem").String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetching the root certificate: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	const maxRoot = 64 << 10
	text, err := io.ReadAll(io.LimitReader(response.Body, maxRoot))
	if err != nil {
		return nil, fmt.Errorf("fetching the root certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if response.StatusCode != http.StatusOK || block == nil {
		return nil, fmt.Errorf("fetching the root certificate: HTTP %d without a certificate", response.StatusCode)
	}
	return x509.ParseCertificate(block.Bytes)
}
