// Package journey is what every Go client does; ../../README.md describes
// the contract.
package journey

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

const (
	pollEvery = 300 * time.Millisecond
	pollFor   = 60 * time.Second
	// againAfter is how long CHANCERY_AGAIN waits before it makes a call anew.
	againAfter = time.Second
)

// Settings are what the environment asks for.
type Settings struct {
	Endpoint        string
	AccessKeyID     string
	AccessKeySecret string
	HTTPMethod      string // empty: the client's own choice
	Cancel          bool
	Retry           bool          // where the client has to be told
	Again           int           // how often a call that got no answer is made anew
	PollFor         time.Duration // for the certificate
	ProofFor        time.Duration // for what is to be published; zero: it must be known at once
	Order           Order
}

// Order is one application. Either Domain or CSR is set.
type Order struct {
	Username, Phone, Email    string
	Domain, CSR               string
	ValidateType, ProductCode string
	TagKey, TagValue          string
}

// Quota is the answer of DescribePackageState.
type Quota struct {
	Total       int64  `json:"total"`
	Used        int64  `json:"used"`
	Issued      int64  `json:"issued"`
	ProductCode string `json:"productCode"`
}

// State is the answer of DescribeCertificateState.
type State struct {
	Proof
	Issue
}

// Proof is what the applicant has to publish.
type Proof struct {
	Type         string `json:"type"`
	ValidateType string `json:"validateType"`
	RecordDomain string `json:"recordDomain"`
	RecordType   string `json:"recordType"`
	RecordValue  string `json:"recordValue"`
	Domain       string `json:"domain"`
	URI          string `json:"uri"`
	Content      string `json:"content"`
}

// Issue is what the applicant gets in the end.
type Issue struct {
	Certificate string `json:"certificate"`
	PrivateKey  string `json:"privateKey"`
}

// Fault is an error of the service as the client surfaces it.
type Fault struct {
	Code      string `json:"code"`
	Status    int    `json:"status"`
	Message   string `json:"message"`
	RequestID string `json:"requestId"`
	Recommend string `json:"recommend"`
}

// Client is a client library behind the calls of the journey. Order ids are
// decimal text.
type Client interface {
	Quota(productCode string) (Quota, error)
	Create(Order) (orderID string, err error)
	CreateWithCSR(Order) (orderID string, err error)
	State(orderID string) (State, error)
	Cancel(orderID string) error
	Remove(orderID string) error
	// Fault reports whether the error came from the service.
	Fault(error) (Fault, bool)
}

// Main makes the journey and ends the process.
func Main(connect func(Settings) (Client, error)) {
	if err := run(connect); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(connect func(Settings) (Client, error)) error {
	set, err := settings()
	if err != nil {
		return err
	}
	client, err := connect(set)
	if err != nil {
		return err
	}
	client = persistent{client, set.Again}
	if err := quota(client, "quota", set); err != nil {
		return err
	}

	create := client.Create
	if set.Order.CSR != "" {
		create = client.CreateWithCSR
	}
	id, err := create(set.Order)
	if err != nil {
		return err
	}
	emit("created", map[string]any{"orderId": id})

	state, err := proof(client, id, set.ProofFor)
	if err != nil {
		return err
	}
	emit("proof", state.Proof)
	if set.Cancel {
		return withdraw(client, set, id)
	}

	if !bufio.NewScanner(os.Stdin).Scan() {
		return errors.New("standard input ended before the proof was published")
	}
	if state, err = issued(client, id, set.PollFor); err != nil {
		return err
	}
	emit("issued", state.Issue)
	if err := quota(client, "quota2", set); err != nil {
		return err
	}

	_, err = client.State("1")
	fault, err := refusal(client, err)
	if err != nil {
		return err
	}
	emit("error", fault)

	set.AccessKeySecret += "x"
	stranger, err := connect(set)
	if err != nil {
		return err
	}
	stranger = persistent{stranger, set.Again}
	_, err = stranger.Quota(set.Order.ProductCode)
	if fault, err = refusal(stranger, err); err != nil {
		return err
	}
	emit("badsecret", fault)
	return nil
}

// persistent makes a call anew that no answer came to, or one of 500 and above, as the
// user of a client does that does not do so itself.
type persistent struct {
	Client
	again int
}

// Quota implements Client.
func (p persistent) Quota(productCode string) (Quota, error) {
	return persist(p, func() (Quota, error) { return p.Client.Quota(productCode) })
}

// Create implements Client.
func (p persistent) Create(order Order) (string, error) {
	return persist(p, func() (string, error) { return p.Client.Create(order) })
}

// CreateWithCSR implements Client.
func (p persistent) CreateWithCSR(order Order) (string, error) {
	return persist(p, func() (string, error) { return p.Client.CreateWithCSR(order) })
}

// State implements Client.
func (p persistent) State(orderID string) (State, error) {
	return persist(p, func() (State, error) { return p.Client.State(orderID) })
}

func persist[T any](p persistent, call func() (T, error)) (T, error) {
	for left := p.again; ; left-- {
		result, err := call()
		if err == nil || left == 0 {
			return result, err
		}
		if fault, answered := p.Fault(err); answered && fault.Status < 500 {
			return result, err
		}
		time.Sleep(againAfter)
	}
}

// number reads a setting that is one.
func number(name string, otherwise int) (int, error) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

// withdraw cancels the order, deletes it and sees that it is gone.
func withdraw(client Client, set Settings, id string) error {
	if err := client.Cancel(id); err != nil {
		return err
	}
	state, err := client.State(id)
	if err != nil {
		return err
	}
	emit("withdrawn", map[string]any{"type": state.Type})

	if err := client.Remove(id); err != nil {
		return err
	}
	_, err = client.State(id)
	fault, err := refusal(client, err)
	if err != nil {
		return err
	}
	emit("deleted", map[string]any{"code": fault.Code})
	return quota(client, "quota2", set)
}

// proof asks until the service knows what is to be published, which may take another CA
// or another node a while.
func proof(client Client, id string, proofFor time.Duration) (State, error) {
	for deadline := time.Now().Add(proofFor); ; time.Sleep(pollEvery) {
		state, err := client.State(id)
		if err != nil || state.Type != "domain_verify" || state.RecordValue+state.Content != "" || time.Now().After(deadline) {
			return state, err
		}
	}
}

func issued(client Client, id string, pollFor time.Duration) (State, error) {
	for deadline := time.Now().Add(pollFor); ; time.Sleep(pollEvery) {
		state, err := client.State(id)
		switch {
		case err != nil:
			return State{}, err
		case state.Type == "certificate":
			return state, nil
		case state.Type == "verify_fail":
			return State{}, fmt.Errorf("order %s: verify_fail", id)
		case time.Now().After(deadline):
			return State{}, fmt.Errorf("order %s: still %s after %s", id, state.Type, pollFor)
		}
	}
}

// refusal wants an error of the service.
func refusal(client Client, err error) (Fault, error) {
	if err == nil {
		return Fault{}, errors.New("expected an error, got an answer")
	}
	fault, ok := client.Fault(err)
	if !ok {
		return Fault{}, err
	}
	return fault, nil
}

func quota(client Client, step string, set Settings) error {
	quota, err := client.Quota(set.Order.ProductCode)
	if err != nil {
		return err
	}
	emit(step, quota)
	return nil
}

// emit prints one line: the step, then the fields.
func emit(step string, fields any) {
	name, _ := json.Marshal(step)
	rest, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	fmt.Printf(`{"step":%s,%s`+"\n", name, rest[1:])
}

func settings() (Settings, error) {
	set := Settings{
		Endpoint:        os.Getenv("CHANCERY_ENDPOINT"),
		AccessKeyID:     os.Getenv("CHANCERY_ACCESS_KEY_ID"),
		AccessKeySecret: os.Getenv("CHANCERY_ACCESS_KEY_SECRET"),
		HTTPMethod:      os.Getenv("CHANCERY_HTTP_METHOD"),
		Cancel:          os.Getenv("CHANCERY_CANCEL") == "1",
		Retry:           os.Getenv("CHANCERY_RETRY") == "1",
		Order: Order{
			Username:     "Tom O'Neil (ops) ä+*~",
			Phone:        "13900001111",
			Email:        "ops+dv@example.com",
			Domain:       os.Getenv("CHANCERY_DOMAIN"),
			CSR:          os.Getenv("CHANCERY_CSR"),
			ValidateType: os.Getenv("CHANCERY_METHOD"),
			ProductCode:  os.Getenv("CHANCERY_PRODUCT"),
			TagKey:       "env",
			TagValue:     "a b~c",
		},
	}
	var err error
	if set.Again, err = number("CHANCERY_AGAIN", 0); err != nil {
		return Settings{}, err
	}
	seconds, err := number("CHANCERY_POLL_SECONDS", 0)
	if err != nil {
		return Settings{}, err
	}
	set.ProofFor = time.Duration(seconds) * time.Second
	set.PollFor = cmp.Or(set.ProofFor, pollFor)
	if set.Order.ValidateType == "" {
		set.Order.ValidateType = "DNS"
	}
	if set.Endpoint == "" || set.AccessKeyID == "" || set.AccessKeySecret == "" {
		return Settings{}, errors.New("CHANCERY_ENDPOINT, CHANCERY_ACCESS_KEY_ID and CHANCERY_ACCESS_KEY_SECRET must be set")
	}
	if set.Order.Domain == "" && set.Order.CSR == "" {
		return Settings{}, errors.New("CHANCERY_DOMAIN or CHANCERY_CSR must be set")
	}
	if set.Order.CSR != "" {
		set.Order.Domain = ""
	}
	return set, nil
}
