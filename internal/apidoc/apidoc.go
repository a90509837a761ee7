// Package apidoc holds, as data, what the documentation of the API is made of: each
// operation with its parameters, answer, errors and RAM action, and the catalogue of
// error codes. The files in it are made by `make generate` from the tables of
// operations, the structs they name and the comments beside them, so the running
// program knows the comments too.
package apidoc

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
)

// Operation is the reference page of one operation.
type Operation struct {
	// ID names the operation among all that are served: its name, with the version
	// behind it for all but the current version of the first product, as in
	// AssumeRole-2015-04-01.
	ID      string `json:"id"`
	Product string `json:"product"` // "cas"
	Version string `json:"version"` // "2020-04-07"
	Name    string `json:"name"`
	// Later operations are known and answer UnsupportedOperation; they have no
	// parameters, answer or errors here.
	Later   bool   `json:"later,omitempty"`
	Summary string `json:"summary"`
	// Doc is what it does, in paragraphs with an empty line between them. The last one
	// may begin with "Errors:" and says when each comes.
	Doc        string  `json:"doc,omitempty"`
	Parameters []Field `json:"parameters,omitempty"`
	// Answer does not list RequestId, which every answer has.
	Answer []Field `json:"answer,omitempty"`
	// Errors are the codes that Doc names; those of every call are ErrorCode.Everywhere.
	Errors    []string `json:"errors,omitempty"`
	RAMAction string   `json:"ramAction"`
	// Everyone may call it: no policy is asked.
	Everyone bool   `json:"everyone,omitempty"`
	Access   string `json:"access"` // get, list, create, update or delete
	// Resources are what a policy may narrow it to: "*", or kinds such as "order/<id>".
	Resources []string `json:"resources"`
	// RevealsKey: the answer may hold a private key, which needs ReadPrivateKey too.
	RevealsKey bool `json:"revealsKey,omitempty"`
	// Rate is how many calls a second `--rates documented` allows an account; 0 is no limit.
	Rate int `json:"rate,omitempty"`
}

// Types of a Field.
const (
	String  = "string"
	Integer = "int64"
	Boolean = "bool"
	List    = "list"
	Object  = "object"
)

// Field is a parameter, or a field of an answer.
type Field struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Of is the type of a list's entries; those of an Object have Fields.
	Of     string  `json:"of,omitempty"`
	Fields []Field `json:"fields,omitempty"`
	// Required parameters must be given; required fields of an answer are always there.
	Required bool   `json:"required,omitempty"`
	Doc      string `json:"doc,omitempty"`
}

// Row is a field by its full name.
type Row struct {
	Name, Type string
	Required   bool
	Doc        string
}

// Rows lists fields, and those inside them, by their full names. number stands for
// the number of a list's entry: Tags.N.Key with "N". As parameters, lists are sent
// under such names, numbered from 1.
func Rows(fields []Field, number string) []Row { return rows(nil, "", number, fields) }

func rows(all []Row, prefix, number string, fields []Field) []Row {
	for _, f := range fields {
		row := Row{Name: prefix + f.Name, Type: f.Type, Required: f.Required, Doc: f.Doc}
		if f.Type == List {
			row.Name += "." + number
			if f.Of != Object {
				row.Type = f.Of
			}
		}
		all = rows(append(all, row), row.Name+".", number, f.Fields)
	}
	return all
}

// ErrorCode is one row of the catalogue of errors.
type ErrorCode struct {
	Code   string `json:"code"`
	Status int    `json:"status"` // of HTTP
	Advice string `json:"advice"` // what to do
	// Everywhere: any call may meet it.
	Everywhere bool `json:"everywhere,omitempty"`
}

// Catalogue is all of it. Callers must not change what the functions below give.
type Catalogue struct {
	Operations []Operation `json:"operations"`
	Errors     []ErrorCode `json:"errors"`
}

// Operations are all, in the order of the tables.
func Operations() []Operation { return catalogue().Operations }

// Errors are all codes that callers can get.
func Errors() []ErrorCode { return catalogue().Errors }

// Find gives the operation of an ID.
func Find(id string) (Operation, bool) {
	for _, o := range Operations() {
		if o.ID == id {
			return o, true
		}
	}
	return Operation{}, false
}

// FindError gives the row of a code.
func FindError(code string) (ErrorCode, bool) {
	for _, row := range Errors() {
		if row.Code == code {
			return row, true
		}
	}
	return ErrorCode{}, false
}

//go:embed reference.json
var reference []byte

var catalogue = sync.OnceValue(func() Catalogue {
	var c Catalogue
	if err := json.Unmarshal(reference, &c); err != nil {
		panic(fmt.Sprintf("reading the reference, which was built in: %v", err))
	}
	return c
})

// CallsPerSecond tells an operation's rate in words.
func (o Operation) CallsPerSecond() string {
	if o.Rate == 0 {
		return "no limit"
	}
	return strconv.Itoa(o.Rate) + "/s"
}
