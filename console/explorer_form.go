package console

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"chancery/internal/apidoc"
)

// inputGroup is one parameter as the form has it: a field, or a list of entries.
type inputGroup struct {
	apidoc.Field
	Entries [][]input // of a list, each with its fields; else one entry of one field
}

// input is one field of the form, whose name is that of a parameter on the wire.
type input struct {
	Name, Label, Type, Value string
	Required, Long, Secret   bool
	Choices                  []string // what may be meant; others can be sent too
}

// sent is a parameter with a value.
type sent struct {
	Name, Value string
	Secret      bool
}

// longParameters hold PEM or JSON, of several lines.
var longParameters = []string{"Csr", "Cert", "Key", "SignCert", "SignPrivateKey", "EncryptCert", "EncryptPrivateKey", "Policy"}

// secretParameter tells whether a parameter holds a private key; a tag's is Tags.N.Key.
func secretParameter(name string) bool { return name == "Key" || strings.HasSuffix(name, "PrivateKey") }

// choices are values to offer, as the parameters' comments tell them.
var choices = map[string][]string{
	"ValidateType": {"DNS", "FILE"},
	"Algorithm":    {"RSA", "ECC"},
	"KeySize":      {"2048", "3072", "4096", "256"},
	"OrderType":    {"CPACK", "CERT", "UPLOAD"},
	"Reason":       {"unspecified", "keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation"},
	"ResourceType": {"instance", "Certificate"},
}

func (p *page) inputGroups(fields []apidoc.Field, values func(string) string) (groups []inputGroup) {
	for _, f := range fields {
		group := inputGroup{Field: f}
		switch f.Type {
		case apidoc.List:
			for n := 1; n <= entries(f, values)+1; n++ {
				group.Entries = append(group.Entries, p.inputEntry(f, f.Name+"."+strconv.Itoa(n), values))
			}
		default:
			group.Entries = [][]input{{p.input(f, f.Name, values)}}
		}
		groups = append(groups, group)
	}
	return groups
}

// mostEntries of a list are shown; the form's button adds more.
const mostEntries = 20

// entries counts those of a list that have values.
func entries(f apidoc.Field, values func(string) string) (last int) {
	for n := 1; n < mostEntries; n++ {
		name := f.Name + "." + strconv.Itoa(n)
		given := values(name) != ""
		for _, inner := range f.Fields {
			given = given || values(name+"."+inner.Name) != ""
		}
		if given {
			last = n
		}
	}
	return last
}

func (p *page) inputEntry(f apidoc.Field, name string, values func(string) string) (inputs []input) {
	if f.Of != apidoc.Object {
		return []input{p.input(apidoc.Field{Name: f.Name, Type: f.Of}, name, values)}
	}
	for _, inner := range f.Fields {
		inputs = append(inputs, p.input(inner, name+"."+inner.Name, values))
	}
	return inputs
}

func (p *page) input(f apidoc.Field, name string, values func(string) string) input {
	in := input{
		Name: name, Label: name, Type: f.Type, Required: f.Required, Value: values(name),
		Long: slices.Contains(longParameters, name), Secret: secretParameter(name), Choices: choices[name],
	}
	if name == "ProductCode" {
		for _, product := range p.console.Catalogue {
			in.Choices = append(in.Choices, product.Code)
		}
	}
	return in
}

// sentParameters are those of the form with a value, by name.
func sentParameters(groups []inputGroup) (all []sent) {
	for _, group := range groups {
		for _, entry := range group.Entries {
			for _, in := range entry {
				if in.Value != "" {
					all = append(all, sent{in.Name, in.Value, in.Secret})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b sent) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// linkTo is the path of an operation's page with these parameters, private keys left out.
func linkTo(id string, parameters []sent) string {
	query := url.Values{}
	for _, s := range parameters {
		if !s.Secret {
			query.Set(s.Name, s.Value)
		}
	}
	link := url.URL{Path: Root + "explorer/" + id, RawQuery: query.Encode()}
	return link.String()
}
