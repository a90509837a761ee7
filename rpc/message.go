package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"chancery"
	"chancery/signature"
)

// message is a request parsed once. Authentication and operation read the same
// maps; all is the union of query and form.
type message struct {
	signed *signature.Request
	all    chancery.Parameters
}

const (
	// maxBody leaves room for the largest PEM chains.
	maxBody       = 1 << 20
	maxParameters = 1000
	maxNameBytes  = 256
)

// readMessage refuses what could be read in two ways: bad encodings, text that is
// not UTF-8, and a name given twice with different values, in one place or
// across query and body.
func readMessage(r *http.Request) (*message, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	m := &message{all: chancery.Parameters{}}
	m.signed = &signature.Request{Method: r.Method, Host: r.Host, Header: r.Header, Body: body}
	if m.signed.Query, err = parseForm(r.URL.RawQuery, "the query string"); err != nil {
		return nil, err
	}
	if m.signed.Form, err = parseBody(r, body); err != nil {
		return nil, err
	}
	for _, part := range []map[string]string{m.signed.Query, m.signed.Form} {
		for name, value := range part {
			if other, twice := m.all[name]; twice && other != value {
				return nil, contradiction(name)
			}
			m.all[name] = value
		}
	}
	return m, nil
}

// named gives the action and version that the request asks for: from the headers
// under V3, also when its Authorization was lost on the way, from the parameters
// under V1.
func (m *message) named() (action, version string) {
	if m.isV3() || m.all["Action"] == "" {
		return strings.TrimSpace(m.signed.Header.Get("X-Acs-Action")), strings.TrimSpace(m.signed.Header.Get("X-Acs-Version"))
	}
	return m.all["Action"], m.all["Version"]
}

func (m *message) isV3() bool {
	return strings.HasPrefix(m.signed.Header.Get("Authorization"), "ACS")
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, chancery.Errorf(chancery.InvalidParameter, "the request body has more than %d bytes", maxBody)
	}
	if err != nil {
		return nil, &chancery.Error{Code: chancery.InvalidParameter, Message: "the request body could not be read", Err: err}
	}
	return body, nil
}

// parseBody reads form and flat JSON bodies. Any other is refused, since V1
// signatures do not cover it.
func parseBody(r *http.Request, body []byte) (map[string]string, error) {
	if len(body) == 0 {
		return map[string]string{}, nil
	}
	kind := r.Header.Get("Content-Type")
	media, _, err := mime.ParseMediaType(kind)
	switch {
	case kind == "", err == nil && media == "application/x-www-form-urlencoded":
		return parseForm(string(body), "the form")
	case err == nil && media == "application/json" && strings.HasPrefix(r.Header.Get("Authorization"), "ACS"):
		return parseJSON(body)
	}
	return nil, chancery.Errorf(chancery.InvalidParameter, "the body's Content-Type is not application/x-www-form-urlencoded")
}

func parseForm(text, place string) (map[string]string, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, chancery.Errorf(chancery.InvalidParameter, "%s is not well encoded", place)
	}
	if len(values) > maxParameters {
		return nil, chancery.Errorf(chancery.InvalidParameter, "%s has more than %d parameters", place, maxParameters)
	}
	parameters := make(map[string]string, len(values))
	for name, all := range values {
		for _, value := range all {
			if err := checkText(name, value); err != nil {
				return nil, err
			}
			if value != all[0] {
				return nil, contradiction(name)
			}
		}
		parameters[name] = all[0]
	}
	return parameters, nil
}

// parseJSON reads one flat object; its payload hash covers it under V3.
func parseJSON(body []byte) (map[string]string, error) {
	if !utf8.Valid(body) {
		return nil, chancery.Errorf(chancery.InvalidParameter, "the JSON body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, badJSON()
	}
	parameters := map[string]string{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, badJSON()
		}
		value, err := decoder.Token()
		if _, nested := value.(json.Delim); err != nil || nested {
			return nil, badJSON()
		}
		if value == nil {
			continue
		}
		if err := putJSON(parameters, fmt.Sprint(name), fmt.Sprint(value)); err != nil {
			return nil, err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return nil, badJSON()
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, badJSON()
	}
	return parameters, nil
}

func putJSON(parameters map[string]string, name, value string) error {
	if err := checkText(name, value); err != nil {
		return err
	}
	if other, twice := parameters[name]; twice && other != value {
		return contradiction(name)
	}
	if parameters[name] = value; len(parameters) > maxParameters {
		return chancery.Errorf(chancery.InvalidParameter, "the JSON body has more than %d parameters", maxParameters)
	}
	return nil
}

func badJSON() error {
	return chancery.Errorf(chancery.InvalidParameter, "the JSON body is not one flat object")
}

func checkText(name, value string) error {
	switch {
	case len(name) > maxNameBytes:
		return chancery.Errorf(chancery.InvalidParameter, "a parameter's name has more than %d bytes", maxNameBytes)
	case !utf8.ValidString(name):
		return chancery.Errorf(chancery.InvalidParameter, "a parameter's name is not UTF-8")
	case !utf8.ValidString(value):
		return chancery.Errorf(chancery.InvalidParameter, "%s: the value is not UTF-8", name)
	case strings.ContainsRune(name, 0):
		return chancery.Errorf(chancery.InvalidParameter, "a parameter's name holds a NUL character")
	case strings.ContainsRune(value, 0):
		return chancery.Errorf(chancery.InvalidParameter, "%s: the value holds a NUL character", name)
	}
	return nil
}

func contradiction(name string) error {
	return chancery.Errorf(chancery.InvalidParameter, "%s is given twice with different values", name)
}
