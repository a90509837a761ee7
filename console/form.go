package console

import (
	"errors"
	"net/http"
	"strings"

	"chancery"
	"chancery/rpc"
)

// form is a form as it came back, for being shown again with what was wrong with it.
// A template writes a field with {{template "field" (dict "F" .Data.Form "Name" "Domain"
// "Label" (t "apply.domain"))}}; fields have the names of the operation's parameters.
type form struct {
	values func(string) string
	errors map[string]string
	// Error is what was wrong with no single field.
	Error string
}

// form reads the form of the request; of a GET, its query.
func (p *page) form() *form {
	values := p.r.URL.Query().Get
	if p.r.Method == post {
		values = p.r.PostFormValue
	}
	return &form{values: values, errors: map[string]string{}}
}

// Get is what stands in a field.
func (f *form) Get(name string) string { return f.values(name) }

// ErrorOf is what is wrong with a field; empty: nothing.
func (f *form) ErrorOf(name string) string { return f.errors[name] }

// Wrong says what is wrong with a field, or, without a name, with the form.
func (f *form) Wrong(name, message string) {
	if name == "" {
		f.Error = message
		return
	}
	f.errors[name] = message
}

// OK tells whether nothing is wrong.
func (f *form) OK() bool { return f.Error == "" && len(f.errors) == 0 }

// refuse puts an error of a call where it belongs: operations begin the messages of
// wrong parameters with the parameter's name. It gives back an error that is not the
// form's fault, for the page of errors.
func (p *page) refuse(f *form, err error, fields ...string) error {
	row, message := rpc.Explain(err)
	var public *chancery.Error
	if !errors.As(err, &public) || row.Status >= http.StatusInternalServerError || denied(err) {
		return err
	}
	p.status = http.StatusUnprocessableEntity
	for _, field := range fields {
		if rest, ok := strings.CutPrefix(message, field); ok && (strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, " ") || strings.HasPrefix(rest, ".")) {
			f.Wrong(field, p.meant(row.Code, strings.TrimSpace(strings.TrimPrefix(rest, ":"))))
			return nil
		}
	}
	f.Wrong("", p.meant(row.Code, message))
	return nil
}
