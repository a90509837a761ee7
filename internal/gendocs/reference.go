package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"chancery"
	"chancery/cas"
	"chancery/internal/apidoc"
	"chancery/rpc"
	"chancery/sts"
)

// reference is the catalogue as package apidoc embeds it.
func reference(root string) (string, error) {
	c, err := collect(root)
	if err != nil {
		return "", err
	}
	return indented(c)
}

func indented(v any) (string, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(v)
	return b.String(), err
}

// tables are those that the service mounts.
func tables() []chancery.API { return append((&cas.Service{}).APIs(), (&sts.Service{}).API()) }

// collect gathers the facts of every operation: from the tables of contents, the
// Input and Output structs, and the comments beside them.
func collect(root string) (apidoc.Catalogue, error) {
	var c apidoc.Catalogue
	comments := comments{}
	for _, dir := range []string{"cas", "sts"} {
		if err := comments.read(filepath.Join(root, dir)); err != nil {
			return c, err
		}
	}
	named := map[string]bool{}
	for i, api := range tables() {
		for _, o := range api.Operations {
			facts := comments.operation(api, o)
			if i > 0 {
				facts.ID += "-" + api.Version
			}
			for _, code := range facts.Errors {
				named[code] = true
			}
			c.Operations = append(c.Operations, facts)
		}
	}
	for _, row := range rpc.Errors {
		code := string(row.Code)
		c.Errors = append(c.Errors, apidoc.ErrorCode{
			Code: code, Status: row.Status, Advice: row.Advice,
			// What no operation names is the gateway's; some name what any call may meet.
			Everywhere: !named[code] && row.Code != chancery.UnsupportedOperation || row.Code == chancery.ServiceUnavailable,
		})
	}
	return c, nil
}

// comments are those on methods, as "Service.Name", and on struct fields, as
// "Struct.Field".
type comments map[string]string

func (c comments) operation(api chancery.API, o chancery.Operation) apidoc.Operation {
	facts := apidoc.Operation{
		ID: o.Name, Product: api.Product, Version: api.Version, Name: o.Name, Later: o.Later, Summary: o.Summary,
		Access: string(o.Access), Resources: resources(o), Rate: o.Rate,
		RAMAction: api.Action(o), Everyone: o.Everyone,
	}
	if o.Later {
		return facts
	}
	facts.Doc = paragraphs(c["Service."+o.Name])
	facts.Errors = c.codes(o.Name)
	facts.Parameters = c.fields(reflect.TypeOf(o.Input), chancery.Required)
	facts.Answer = c.fields(reflect.TypeOf(o.Output), alwaysThere)
	_, facts.RevealsKey = reflect.New(reflect.TypeOf(o.Output)).Interface().(chancery.KeyHolder)
	return facts
}

// resources are the kinds of what the Input names.
func resources(o chancery.Operation) []string {
	named, ok := o.NewInput().(interface{ Resource() string })
	if !ok {
		return []string{"*"}
	}
	if examples, ok := exampleResources[o.Name]; ok {
		return examples
	}
	kind, _, _ := strings.Cut(named.Resource(), "/")
	return []string{kind + "/<id>"}
}

// exampleResources are of Inputs that name nothing before they are filled in.
var exampleResources = map[string][]string{
	"MoveResourceGroup": {"order/<id>", "certificate/<id>"},
	"GetContact":        {"contact/<id>"},
	"AssumeRole":        {"acs:ram::<account>:role/<name>"},
}

var (
	codeWord = regexp.MustCompile(`[A-Za-z]+(\.[A-Za-z]+)*`)
	asOther  = regexp.MustCompile(`^Errors: as ([A-Za-z]+)`)
)

// codes are those that the last paragraph of an operation's comment names, itself or
// by the operation that it refers to.
func (c comments) codes(operation string) []string {
	_, text, found := strings.Cut(paragraphs(c["Service."+operation]), "Errors: ")
	if !found {
		return nil
	}
	text = "Errors: " + text
	var codes []string
	if other := asOther.FindStringSubmatch(text); other != nil {
		codes = c.codes(other[1])
	}
	for _, word := range codeWord.FindAllString(text, -1) {
		known := slices.ContainsFunc(rpc.Errors, func(row rpc.ErrorRow) bool { return string(row.Code) == word })
		if known && !slices.Contains(codes, word) {
			codes = append(codes, word)
		}
	}
	return codes
}

func (c comments) fields(t reflect.Type, required func(reflect.StructField) bool) []apidoc.Field {
	var fields []apidoc.Field
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous { // its fields stand beside the others, or are not there
			fields = append(fields, c.fields(field.Type.Elem(), func(reflect.StructField) bool { return false })...)
			continue
		}
		f := apidoc.Field{Name: wireName(field), Required: required(field), Doc: c[t.Name()+"."+field.Name]}
		inner := field.Type
		if f.Type, inner = wireType(inner); f.Type == apidoc.List {
			f.Of, inner = wireType(inner)
		}
		if inner != nil {
			f.Fields = c.fields(inner, required)
		}
		fields = append(fields, f)
	}
	return fields
}

func alwaysThere(field reflect.StructField) bool {
	return !strings.Contains(field.Tag.Get("json"), ",omitempty")
}

// wireName is the field's own name but for older versions.
func wireName(field reflect.StructField) string {
	if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
		return name
	}
	return field.Name
}

// wireType is how a type looks to callers, with the type inside it if any.
func wireType(t reflect.Type) (string, reflect.Type) {
	switch t.Kind() {
	case reflect.Slice:
		return apidoc.List, t.Elem()
	case reflect.Pointer:
		return apidoc.Object, t.Elem()
	case reflect.Struct:
		return apidoc.Object, t
	default:
		return t.Kind().String(), nil
	}
}

// read adds the comments of a package directory.
func (c comments) read(dir string) error {
	set, files, err := parseFiles(dir)
	if err != nil {
		return err
	}
	page, err := doc.NewFromFiles(set, files, "chancery/"+filepath.Base(dir), doc.PreserveAST)
	if err != nil {
		return err
	}
	for _, t := range page.Types {
		for _, method := range t.Methods {
			c[t.Name+"."+method.Name] = method.Doc
		}
		for _, spec := range t.Decl.Specs {
			if s, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType); ok {
				c.readFields(t.Name, s)
			}
		}
	}
	return nil
}

func (c comments) readFields(structName string, s *ast.StructType) {
	for _, field := range s.Fields.List {
		text := field.Doc.Text() + field.Comment.Text()
		for _, name := range field.Names {
			c[structName+"."+name.Name] = strings.Join(strings.Fields(text), " ")
		}
	}
}

func parseFiles(dir string) (*token.FileSet, []*ast.File, error) {
	set := token.NewFileSet()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, nil, err
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, parseErr := parser.ParseFile(set, name, nil, parser.ParseComments)
		err = errors.Join(err, parseErr)
		files = append(files, file)
	}
	return set, files, err
}

// paragraphs joins the lines of each paragraph of a comment.
func paragraphs(text string) string {
	parts := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, part := range parts {
		parts[i] = strings.Join(strings.Fields(part), " ")
	}
	return strings.Join(parts, "\n\n")
}
