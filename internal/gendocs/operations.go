package main

import (
	"fmt"
	"strings"

	"chancery/internal/apidoc"
)

// operations is the reference page of every operation.
func operations(root string) (string, error) {
	c, err := collect(root)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Operations\n\nProduct `%s`, version `%s`. Every call is one signed GET or POST of `/`; parameters stand in the\n"+
		"query, in a form body, or in both. Every answer has a RequestId. Error codes: [errors.md](errors.md);\n"+
		"differences from the original: [divergences.md](divergences.md). The RAM action is what policies allow or deny,\n"+
		"the resource what they may narrow it to ([access control](access-control.md)); an answer that holds a private key\n"+
		"needs `yundun-cert:ReadPrivateKey` as well. The rate is what `--rates documented` allows an account.\n"+
		"A running service has the same as an OpenAPI document at `/openapi.json` ([about it](openapi.md)).\n\n", c.Operations[0].Product, c.Operations[0].Version)
	contents(&b, c.Operations)
	for _, o := range c.Operations {
		if !o.Later {
			operationPage(&b, o)
		}
	}
	return b.String(), nil
}

func contents(b *strings.Builder, all []apidoc.Operation) {
	for i, o := range all {
		if i == 0 || o.Product != all[i-1].Product || o.Version != all[i-1].Version {
			if i > 0 {
				fmt.Fprintf(b, "\nProduct `%s`, version `%s`:\n\n", o.Product, o.Version)
			}
			code, _, _ := strings.Cut(o.RAMAction, ":")
			fmt.Fprintf(b, "The RAM action of each is `%s:` and its name.\n\n| operation | | access | resource | rate |\n| --- | --- | --- | --- | --- |\n", code)
		}
		name := fmt.Sprintf("[%s](#%s)", o.Name, strings.ToLower(o.ID))
		if o.Later {
			name = o.Name
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", name, o.Summary, o.Access, resource(o), o.CallsPerSecond())
	}
}

func resource(o apidoc.Operation) string { return "`" + strings.Join(o.Resources, "` or `") + "`" }

func operationPage(b *strings.Builder, o apidoc.Operation) {
	heading := strings.Replace(o.ID, "-", " ", 1) // its anchor is the ID in small letters
	action := "`" + o.RAMAction + "`"
	if o.Everyone {
		action = "none needed"
	}
	fmt.Fprintf(b, "\n## %s\n\n%s\n\nRAM action: %s, access level %s, on %s. Rate: %s.\n\n", heading, o.Doc, action, o.Access, resource(o), o.CallsPerSecond())
	if len(o.Parameters) == 0 {
		b.WriteString("It takes no parameters.\n")
	} else {
		b.WriteString("| parameter | type | required | |\n| --- | --- | --- | --- |\n")
	}
	for _, row := range apidoc.Rows(o.Parameters, "N") {
		required := ""
		if row.Required {
			required = "yes"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", row.Name, row.Type, required, cell(row.Doc))
	}
	b.WriteString("\n| answer | type | |\n| --- | --- | --- |\n| RequestId | string | Names the request, also in the operator's log. |\n")
	for _, row := range apidoc.Rows(o.Answer, "N") {
		fmt.Fprintf(b, "| %s | %s | %s |\n", row.Name, row.Type, cell(row.Doc))
	}
}

// cell is text as it may stand in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }
