package testenv

import (
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"chancery"
	"chancery/cas"
	"chancery/signature"
)

// Request is an API call on its way to be signed and sent. Tests change what
// Signed made of it before it is signed, and what goes out after, with Tamper.
type Request struct {
	// Options say how it is signed: V3 by default. Time is the environment's.
	Options signature.Options
	// Credentials are the tenant's.
	Credentials signature.Credentials
	// Verb is POST by default.
	Verb string
	// Parameters are those of the operation.
	Parameters map[string]string
	// Place is where the parameters stand.
	Place Place
	// Body replaces the form, for V3, which signs bodies of any kind.
	Body string
	// Header goes out besides what signing adds, and is signed as far as the scheme
	// signs headers.
	Header http.Header
	// Tamper changes the signed request, as a careless or hostile sender would.
	Tamper func(*Wire)
}

// Place is where a request has its parameters.
type Place int

// The places. Under V3, the common parameters are headers whatever the place.
const (
	ByVerb  Place = iota // Split for POST, InQuery for GET
	Split                // V1's common parameters in the query, those of the operation in the form
	InQuery              // all in the query
	InForm               // all in the form
)

// Wire is a request as it goes out.
type Wire struct {
	Verb, Path, Query, Body string
	Header                  http.Header
}

// Replace gives a parameter another value wherever it stands.
func (w *Wire) Replace(name, value string) {
	w.edit(name, func(values url.Values) { values.Set(name, value) })
}

// Remove takes a parameter out of query and form.
func (w *Wire) Remove(name string) {
	w.edit(name, func(values url.Values) { values.Del(name) })
}

func (w *Wire) edit(name string, change func(url.Values)) {
	for _, place := range []*string{&w.Query, &w.Body} {
		if values, err := url.ParseQuery(*place); err == nil && values.Has(name) {
			change(values)
			*place = values.Encode()
		}
	}
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string

	env *Env
}

// Call calls an operation with its Input struct, signed under V3 and dated by the
// environment's clock.
func (p *Tenant) Call(action string, input any) Answer {
	p.env.t.Helper()
	return p.Signed(action, chancery.EncodeParameters(input))
}

// Signed signs a call, as changed, and sends it. It does not retry.
func (p *Tenant) Signed(action string, parameters map[string]string, changes ...func(*Request)) Answer {
	p.env.t.Helper()
	r := &Request{
		Options: signature.Options{
			Scheme: signature.V3, Action: action, Version: cas.Version, Nonce: rand.Text(), Time: p.env.Clock.Now(),
		},
		Credentials: p.Credentials(), Verb: http.MethodPost,
		Parameters: maps.Clone(parameters), Header: http.Header{},
	}
	if r.Parameters == nil {
		r.Parameters = map[string]string{}
	}
	for _, change := range changes {
		change(r)
	}
	wire := p.env.sign(r)
	if r.Tamper != nil {
		r.Tamper(wire)
	}
	return p.env.Send(wire)
}

// sign puts the parameters in their place and the signature to them.
func (e *Env) sign(r *Request) *Wire {
	e.t.Helper()
	signed := &signature.Request{
		Method: r.Verb, Host: strings.TrimPrefix(e.Endpoint, "http://"), Header: r.Header,
		Query: map[string]string{}, Form: map[string]string{},
	}
	if r.Place == ByVerb {
		r.Place = Split
		if r.Verb == http.MethodGet {
			r.Place = InQuery
		}
	}
	if r.Place == InQuery {
		signed.Query = r.Parameters
	} else {
		signed.Form = r.Parameters
	}
	if r.Options.Scheme == signature.V1 {
		r.Options.InForm = r.Place == InForm
	}
	if len(signed.Form) > 0 || r.Options.InForm {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	signed.Body = []byte(encode(signed.Form))
	if r.Body != "" {
		signed.Body = []byte(r.Body)
	}
	e.must(signature.Sign(signed, r.Credentials, r.Options))
	wire := &Wire{Verb: r.Verb, Path: "/", Query: encode(signed.Query), Body: r.Body, Header: signed.Header}
	if r.Body == "" {
		wire.Body = encode(signed.Form) // with what V1 has put there by now
	}
	return wire
}

func encode(parameters map[string]string) string {
	values := url.Values{}
	for name, value := range parameters {
		values.Set(name, value)
	}
	return values.Encode()
}

// Send sends a request as it stands.
func (e *Env) Send(wire *Wire) Answer {
	e.t.Helper()
	answer := Answer{env: e}
	request, err := http.NewRequest(wire.Verb, e.Endpoint+wire.Path, strings.NewReader(wire.Body))
	if err != nil {
		e.t.Errorf("testenv: %v", err)
		return answer
	}
	request.URL.RawQuery, request.Header = wire.Query, wire.Header
	response, err := e.http.Do(request)
	if err != nil {
		e.t.Errorf("testenv: %v", err)
		return answer
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Errorf("testenv: reading an answer: %v", err)
	}
	answer.Status, answer.Header, answer.Body = response.StatusCode, response.Header, string(body)
	return answer
}

// Decode reads a successful answer in JSON; the test ends for any other.
func (a Answer) Decode(into any) {
	a.env.t.Helper()
	if a.Status != http.StatusOK {
		a.env.t.Fatalf("the call failed: HTTP %d %s", a.Status, a.Body)
	}
	a.env.must(json.Unmarshal([]byte(a.Body), into))
}

// failure is an error body in JSON or XML.
type failure struct {
	RequestId, HostId, Code, Message, Recommend string
}

func (a Answer) failure() (f failure) {
	if json.Unmarshal([]byte(a.Body), &f) != nil {
		_ = xml.Unmarshal([]byte(a.Body), &f)
	}
	return f
}

// Code is the error code, "" for success.
func (a Answer) Code() string { return a.failure().Code }

// Message is the error message.
func (a Answer) Message() string { return a.failure().Message }

// RequestID is that of the body.
func (a Answer) RequestID() string { return a.failure().RequestId }

// WithoutRequestID is the body with every mention of the request's id replaced,
// so that two answers can be compared.
func (a Answer) WithoutRequestID() string { return strings.ReplaceAll(a.Body, a.RequestID(), "-") }

// Fields gives the members of a JSON answer as they stand, each as JSON text.
func (a Answer) Fields() map[string]string {
	a.env.t.Helper()
	var raw map[string]json.RawMessage
	a.env.must(json.Unmarshal([]byte(a.Body), &raw))
	fields := map[string]string{}
	for name, text := range raw {
		fields[name] = string(text)
	}
	return fields
}
