package main

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"

	"chancery"
	"chancery/cas"
	"chancery/sts"
)

// operations is the reference page of every operation: from the table of
// contents, the Input and Output structs, and the comments beside them.
func operations(root string) (string, error) {
	comments := map[string]string{}
	for _, dir := range []string{"cas", "sts"} {
		if err := readComments(comments, filepath.Join(root, dir)); err != nil {
			return "", err
		}
	}
	apis := append((&cas.Service{}).APIs(), (&sts.Service{}).API())
	var b strings.Builder
	fmt.Fprintf(&b, "# Operations\n\nProduct `%s`, version `%s`. Every call is one signed GET or POST of `/`; parameters stand in the\n"+
		"query, in a form body, or in both. Every answer has a RequestId. Error codes: [errors.md](errors.md);\n"+
		"differences from the original: [divergences.md](divergences.md). The RAM action is what policies allow or deny,\n"+
		"the resource what they may narrow it to ([access control](access-control.md)); an answer that holds a private key\n"+
		"needs `yundun-cert:ReadPrivateKey` as well. The rate is what `--rates documented` allows an account.\n\n", apis[0].Product, apis[0].Version)
	for i, api := range apis {
		if i > 0 {
			fmt.Fprintf(&b, "\nProduct `%s`, version `%s`:\n\n", api.Product, api.Version)
		}
		contents(&b, api)
	}
	for i, api := range apis {
		for _, o := range api.Operations {
			if !o.Later {
				reference(&b, comments, heading(api, i == 0, o), api, o)
			}
		}
	}
	return b.String(), nil
}

// heading tells operations of other versions apart.
func heading(api chancery.API, current bool, o chancery.Operation) string {
	if current {
		return o.Name
	}
	return o.Name + " " + api.Version
}

func contents(b *strings.Builder, api chancery.API) {
	fmt.Fprintf(b, "The RAM action of each is `%s:` and its name.\n\n| operation | | access | resource | rate |\n| --- | --- | --- | --- | --- |\n", api.RAMCode)
	for _, o := range api.Operations {
		name := fmt.Sprintf("[%s](#%s)", o.Name, strings.ReplaceAll(strings.ToLower(heading(api, api.Version == cas.Version, o)), " ", "-"))
		if o.Later {
			name = o.Name
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", name, o.Summary, o.Access, resource(o), rate(o))
	}
}

func action(api chancery.API, o chancery.Operation) string {
	if o.Everyone {
		return "none needed"
	}
	return "`" + api.Action(o) + "`"
}

// resource is the kind of what the Input names.
func resource(o chancery.Operation) string {
	named, ok := o.NewInput().(interface{ Resource() string })
	if !ok {
		return "`*`"
	}
	if example, ok := exampleResources[o.Name]; ok {
		return example
	}
	kind, _, _ := strings.Cut(named.Resource(), "/")
	return "`" + kind + "/<id>`"
}

// exampleResources are of Inputs that name nothing before they are filled in.
var exampleResources = map[string]string{
	"MoveResourceGroup": "`order/<id>` or `certificate/<id>`",
	"GetContact":        "`contact/<id>`",
	"AssumeRole":        "the role's ARN",
}

func rate(o chancery.Operation) string {
	if o.Rate == 0 {
		return "no limit"
	}
	return fmt.Sprint(o.Rate, "/s")
}

func reference(b *strings.Builder, comments map[string]string, heading string, api chancery.API, o chancery.Operation) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n", heading, paragraphs(comments["Service."+o.Name]))
	fmt.Fprintf(b, "RAM action: %s, access level %s, on %s. Rate: %s.\n\n", action(api, o), o.Access, resource(o), rate(o))
	if reflect.TypeOf(o.Input).NumField() == 0 {
		b.WriteString("It takes no parameters.\n")
	} else {
		b.WriteString("| parameter | type | required | |\n| --- | --- | --- | --- |\n")
		fields(b, comments, "", reflect.TypeOf(o.Input), true)
	}
	b.WriteString("\n| answer | type | |\n| --- | --- | --- |\n| RequestId | string | Names the request, also in the operator's log. |\n")
	fields(b, comments, "", reflect.TypeOf(o.Output), false)
}

func fields(b *strings.Builder, comments map[string]string, prefix string, t reflect.Type, input bool) {
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous { // its fields stand beside the others
			fields(b, comments, prefix, field.Type.Elem(), input)
			continue
		}
		name, kind, inner := wire(prefix+wireName(field), field.Type)
		text := comments[t.Name()+"."+field.Name]
		if input {
			required := ""
			if chancery.Required(field) {
				required = "yes"
			}
			fmt.Fprintf(b, "| %s | %s | %s | %s |\n", name, kind, required, text)
		} else {
			fmt.Fprintf(b, "| %s | %s | %s |\n", name, kind, text)
		}
		if inner != nil {
			fields(b, comments, name+".", inner, input)
		}
	}
}

// wireName is the field's own name but for older versions.
func wireName(field reflect.StructField) string {
	if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
		return name
	}
	return field.Name
}

// wire is how a field looks to callers, with the struct inside it if any.
func wire(name string, t reflect.Type) (string, string, reflect.Type) {
	switch t.Kind() {
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return name + ".N", "list", t.Elem()
		}
		return name + ".N", t.Elem().String(), nil
	case reflect.Pointer:
		return name, "object", t.Elem()
	case reflect.Struct:
		return name, "object", t
	default:
		return name, t.String(), nil
	}
}

// readComments adds the comments on methods ("Service.Name") and struct fields
// ("Struct.Field") of a package directory.
func readComments(comments map[string]string, dir string) error {
	files, err := parseFiles(dir)
	if err != nil {
		return err
	}
	page, err := doc.NewFromFiles(files.set, files.parsed, "chancery/"+filepath.Base(dir), doc.PreserveAST)
	if err != nil {
		return err
	}
	for _, t := range page.Types {
		for _, method := range t.Methods {
			comments[t.Name+"."+method.Name] = method.Doc
		}
		for _, spec := range t.Decl.Specs {
			if s, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType); ok {
				fieldComments(comments, t.Name, s)
			}
		}
	}
	return nil
}

type parsedFiles struct {
	set    *token.FileSet
	parsed []*ast.File
}

func parseFiles(dir string) (parsedFiles, error) {
	files := parsedFiles{set: token.NewFileSet()}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return files, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files.set, name, nil, parser.ParseComments)
		if err != nil {
			return files, err
		}
		files.parsed = append(files.parsed, file)
	}
	return files, nil
}

func fieldComments(comments map[string]string, structName string, s *ast.StructType) {
	for _, field := range s.Fields.List {
		text := field.Doc.Text() + field.Comment.Text()
		for _, name := range field.Names {
			comments[structName+"."+name.Name] = strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
		}
	}
}

// paragraphs joins the lines of each paragraph of a comment.
func paragraphs(text string) string {
	parts := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, part := range parts {
		parts[i] = strings.Join(strings.Fields(part), " ")
	}
	return strings.Join(parts, "\n\n")
}
