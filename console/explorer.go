package console

import (
	"bytes"
	"encoding/json"
	"strings"

	"chancery"
	"chancery/internal/apidoc"
	"chancery/rpc"
)

// explore lists the operations.
func explore(p *page) error {
	var data struct{ Served, Later []apidoc.Operation }
	for _, o := range apidoc.Operations() {
		if o.Later {
			data.Later = append(data.Later, o)
			continue
		}
		data.Served = append(data.Served, o)
	}
	return p.render("explorer", data)
}

// explored is the page of one operation.
type explored struct {
	apidoc.Operation
	Doc      []string // the paragraphs, without the one on errors
	ErrorDoc string   // that one
	Groups   []inputGroup
	Answer   []apidoc.Row
	Errors   []apidoc.ErrorCode
	Snippets []snippet
	Link     string // this page with the parameters that stand in the form
	Denied   bool   // the policies allow it on nothing
	// Temporary: the answer holds credentials that outlive the session, so a key must ask.
	Temporary bool
	Tried     *tried // nil: not called
}

// Changes tells whether a call changes what the account has.
func (e *explored) Changes() bool { return e.Access != "get" && e.Access != "list" && !e.Temporary }

// Secrets names the parameters that hold private keys.
func (e *explored) Secrets() (names []string) {
	for _, f := range e.Parameters {
		if secretParameter(f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// tried is what came of a call under the visitor's own rights.
type tried struct {
	Status                int
	Code, Message, Advice string
	Answer                string // JSON
}

// exploreOperation shows an operation; its form holds what the link says, but for private
// keys, which have no place in links.
func exploreOperation(p *page) error {
	query := p.r.URL.Query()
	data, err := p.explored(func(name string) string {
		if secretParameter(name) {
			return ""
		}
		return query.Get(name)
	})
	if err != nil {
		return err
	}
	return p.render("operation", data)
}

// tryOperation shows the code of the call that stands in the form and, when asked to,
// makes it as who is signed in.
func tryOperation(p *page) error {
	data, err := p.explored(p.r.PostFormValue)
	if err != nil {
		return err
	}
	if p.r.PostFormValue("do") == "call" && !data.Temporary {
		if data.Tried, err = p.try(data); err != nil {
			return err
		}
	}
	return p.render("operation", data)
}

func (p *page) explored(values func(string) string) (*explored, error) {
	o, found := apidoc.Find(p.r.PathValue("operation"))
	if !found {
		return nil, chancery.Errorf(chancery.NotFound, "%s", p.t("explorer.unknown"))
	}
	data := &explored{
		Operation: o, Answer: apidoc.Rows(o.Answer, "N"), Groups: p.inputGroups(o.Parameters, values),
		Denied: !o.Everyone && !p.mayDo(o.RAMAction), Temporary: o.Name == "AssumeRole",
	}
	for paragraph := range strings.SplitSeq(o.Doc, "\n\n") {
		if strings.HasPrefix(paragraph, "Errors:") {
			data.ErrorDoc = paragraph
		} else if paragraph != "" {
			data.Doc = append(data.Doc, paragraph)
		}
	}
	for _, code := range o.Errors {
		if row, known := apidoc.FindError(code); known {
			data.Errors = append(data.Errors, row)
		}
	}
	sent := sentParameters(data.Groups)
	data.Link = linkTo(o.ID, sent)
	var err error
	data.Snippets, err = snippets(example{Operation: o, Host: p.r.Host, Secure: p.r.TLS != nil, Parameters: sent})
	return data, err
}

// try makes the call that stands in the form. An error is what it came to.
func (p *page) try(data *explored) (*tried, error) {
	parameters := chancery.Parameters{}
	for _, s := range sentParameters(data.Groups) {
		parameters[s.Name] = s.Value
	}
	visitor := p.visitor
	visitor.WithoutKeys = true // they are downloaded where it is asked once more, or with a key
	output, err := p.console.Gateway.Call(p.r.Context(), visitor, data.Version, data.Name, parameters)
	if err != nil {
		row, message := rpc.Explain(err)
		return &tried{Status: row.Status, Code: string(row.Code), Message: p.meant(row.Code, message), Advice: row.Advice}, nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err = encoder.Encode(output)
	return &tried{Status: 200, Answer: strings.TrimSpace(text.String())}, err
}

// errorCode is a row of the page of errors.
type errorCode struct {
	apidoc.ErrorCode
	Operations []apidoc.Operation
}

// Many tells whether the operations are more than stand in a row well.
func (e errorCode) Many() bool {
	const most = 6
	return len(e.Operations) > most
}

// showErrorCodes lists the codes with what to do, and where they come from.
func showErrorCodes(p *page) error {
	from := map[string][]apidoc.Operation{}
	for _, o := range apidoc.Operations() {
		for _, code := range o.Errors {
			from[code] = append(from[code], o)
		}
	}
	var rows []errorCode
	for _, row := range apidoc.Errors() {
		rows = append(rows, errorCode{row, from[row.Code]})
	}
	return p.render("errors", rows)
}
