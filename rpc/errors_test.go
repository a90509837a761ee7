package rpc_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"chancery"
	"chancery/rpc"
)

// A code without a row would reach callers as InternalError, so every code that
// the sources name has one: constants of type Code, and the first argument of
// what makes errors.
func TestEveryCodeHasARow(t *testing.T) {
	codes := map[string]string{}
	for _, dir := range []string{"..", "../cas", ".", "../signature"} {
		collectCodes(t, dir, codes)
	}
	for _, name := range []string{"AccessKeyId", "Signature", "SignatureVersion", "SignatureMethod", "SignatureNonce", "Timestamp"} {
		codes["Missing"+name] = "v1Required in package signature"
	}
	if len(codes) < 25 {
		t.Fatalf("only %d codes were found: %v", len(codes), codes)
	}
	for code, place := range codes {
		if !slices.ContainsFunc(rpc.Errors, func(row rpc.ErrorRow) bool { return string(row.Code) == code }) {
			t.Errorf("%s (%s) has no row in rpc.Errors", code, place)
		}
	}
}

func TestRowsAreSound(t *testing.T) {
	seen := map[chancery.Code]bool{}
	for _, row := range rpc.Errors {
		if seen[row.Code] {
			t.Errorf("%s has two rows", row.Code)
		}
		seen[row.Code] = true
		if row.Status < 400 || row.Status > 599 || !strings.HasSuffix(row.Advice, ".") {
			t.Errorf("%s: status %d, advice %q", row.Code, row.Status, row.Advice)
		}
		// Clients retry on 5xx.
		if permanent := row.Code != chancery.InternalError && row.Code != chancery.ServiceUnavailable; permanent && row.Status >= 500 {
			t.Errorf("%s is permanent, but has status %d", row.Code, row.Status)
		}
	}
}

// collectCodes finds the codes in the sources of one directory, tests apart.
func collectCodes(t *testing.T, dir string, codes map[string]string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no sources (%v)", dir, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		positions := token.NewFileSet()
		file, err := parser.ParseFile(positions, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if code, ok := codeOf(node); ok {
				codes[code] = positions.Position(node.Pos()).String()
			}
			return true
		})
	}
}

func codeOf(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.ValueSpec:
		if typeName := calledName(n.Type); typeName == "Code" && len(n.Values) == 1 {
			return literal(n.Values[0])
		}
	case *ast.CallExpr:
		if called := calledName(n.Fun); (called == "Errorf" || called == "refuse") && len(n.Args) > 1 {
			return literal(n.Args[0])
		}
	}
	return "", false
}

// calledName is the last part of a name such as chancery.Errorf; fmt's functions
// of the same name make no codes.
func calledName(e ast.Expr) string {
	switch n := e.(type) {
	case *ast.Ident:
		return n.Name
	case *ast.SelectorExpr:
		if pkg, ok := n.X.(*ast.Ident); ok && pkg.Name == "chancery" {
			return n.Sel.Name
		}
	}
	return ""
}

func literal(e ast.Expr) (string, bool) {
	text, ok := e.(*ast.BasicLit)
	if !ok || text.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(text.Value)
	return value, err == nil && !strings.Contains(value, " ")
}
