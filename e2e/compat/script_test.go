package compat

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"chancery/internal/testenv"
	"chancery/signature"
)

// params are the parameters of an operation.
type params map[string]string

// script sends what one client sends.
type script struct {
	t   *testing.T
	who *testenv.Tenant
	way func(*testenv.Request) // how the client signs and where it puts parameters
}

// version is the same client calling another version of the API.
func (s script) version(version string) script {
	way := s.way
	s.way = func(r *testenv.Request) {
		r.Options.Version = version
		way(r)
	}
	return s
}

// send sends a call and gives whatever comes back.
func (s script) send(action string, in params) testenv.Answer {
	s.t.Helper()
	return s.who.Signed(action, in, s.way)
}

// call sends a call that must succeed. Clients look at the HTTP status, at a Code
// in the body, or at both: a success has none.
func (s script) call(action string, in params) object {
	s.t.Helper()
	answer := s.send(action, in)
	if answer.Status != http.StatusOK {
		s.t.Fatalf("%s: HTTP %d %s", action, answer.Status, answer.Body)
	}
	out := read(s.t, answer.Body)
	if _, there := out.fields["Code"]; there {
		s.t.Errorf("%s: a success has a Code: %s", action, answer.Body)
	}
	out.text("RequestId")
	return out
}

// refused sends a call that must be answered with an error. All of its fields are
// strings: an older client crashes on others, a helper prints Recommend unseen.
func (s script) refused(action string, in params, status int, code string) object {
	s.t.Helper()
	answer := s.send(action, in)
	out := read(s.t, answer.Body)
	if got := out.text("Code"); answer.Status != status || got != code {
		s.t.Errorf("%s: HTTP %d %s, want %d %s", action, answer.Status, got, status, code)
	}
	for _, name := range []string{"Message", "RequestId", "HostId", "Recommend"} {
		if out.text(name) == "" {
			s.t.Errorf("%s: the error has an empty %s", action, name)
		}
	}
	return out
}

// unserved checks that calls of later versions of the service are refused in a
// way that clients show to people.
func (s script) unserved(actions ...string) {
	s.t.Helper()
	for _, action := range actions {
		out := s.refused(action, nil, http.StatusBadRequest, "UnsupportedOperation")
		if !strings.Contains(out.text("Message"), "not served yet") {
			s.t.Errorf("%s: the message is %q", action, out.text("Message"))
		}
	}
}

// The current generation of official clients: V3, POST, all in the query.
func current(r *testenv.Request) { r.Place = testenv.InQuery }

// The older Go client, which the command line and steampipe are made of: V1, POST,
// all in the query, with an empty parameter and headers that mean nothing here.
func olderGo(r *testenv.Request) {
	r.Options.Scheme, r.Options.Format, r.Place = signature.V1, "JSON", testenv.InQuery
	r.Parameters["RegionId"], r.Parameters["SignatureType"] = "cn-hangzhou", ""
	r.Header.Set("X-Acs-Action", r.Options.Action)
	r.Header.Set("X-Acs-Version", r.Options.Version)
}

// The older Node client when it is told to POST: V1, all in the form.
func olderNode(r *testenv.Request) {
	r.Options.Scheme, r.Options.Format, r.Place = signature.V1, "JSON", testenv.InForm
}

// object is a JSON object whose fields are read as a client with types reads them:
// a field that is absent, null or of another type ends the test.
type object struct {
	t      *testing.T
	fields map[string]any
}

func read(t *testing.T, body string) object {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(body))
	decoder.UseNumber() // ids have more digits than a float64
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		t.Fatalf("not a JSON object: %v\n%s", err, body)
	}
	return object{t, fields}
}

// field reads a field of a type.
func field[T any](o object, name string) T {
	o.t.Helper()
	value, ok := o.fields[name].(T)
	if !ok {
		o.t.Fatalf("the field %s is %T %v, want %T; all fields: %v", name, o.fields[name], o.fields[name], value, o.fields)
	}
	return value
}

// text reads a string, perhaps empty.
func (o object) text(name string) string { o.t.Helper(); return field[string](o, name) }

// truth reads a boolean.
func (o object) truth(name string) bool { o.t.Helper(); return field[bool](o, name) }

// number reads a whole number that is written as a number.
func (o object) number(name string) int64 {
	o.t.Helper()
	n, err := field[json.Number](o, name).Int64()
	if err != nil {
		o.t.Fatalf("the field %s: %v", name, err)
	}
	return n
}

// id reads a number as the text that the next call sends.
func (o object) id(name string) string {
	o.t.Helper()
	o.number(name)
	return field[json.Number](o, name).String()
}

// rows reads a list of objects, perhaps empty.
func (o object) rows(name string) []object {
	o.t.Helper()
	list := field[[]any](o, name)
	out := make([]object, len(list))
	for i, entry := range list {
		fields, ok := entry.(map[string]any)
		if !ok {
			o.t.Fatalf("row %d of %s is %T", i, name, entry)
		}
		out[i] = object{o.t, fields}
	}
	return out
}

// has tells whether a field is there and neither null nor empty.
func (o object) has(name string) bool {
	value, there := o.fields[name]
	return there && value != nil && value != ""
}

// with gives the parameters some more.
func (p params) with(more params) params {
	all := maps.Clone(p)
	maps.Copy(all, more)
	return all
}

// expect compares what a client reads with what it should find.
func expect[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// fits checks that a chain is for the name and the key is the leaf's.
func fits(t *testing.T, chain, key, name string) {
	t.Helper()
	both, err := tls.X509KeyPair([]byte(chain), []byte(key))
	must(t, err)
	leaf, err := x509.ParseCertificate(both.Certificate[0])
	must(t, err)
	must(t, leaf.VerifyHostname(name))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
