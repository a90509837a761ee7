package signature

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"strings"
	"testing"
)

func accepted(r *Request, secret []byte) bool {
	c, err := Read(r)
	return err == nil && c.Verify(secret)
}

// flips gives s with each of its bytes changed in turn.
func flips(s string) []string {
	var out []string
	for i := range len(s) {
		b := []byte(s)
		b[i] ^= 1
		out = append(out, string(b))
	}
	return out
}

// flipMap calls check after each one-byte change of a name or value in params.
func flipMap(params map[string]string, check func(what string)) {
	for name, value := range maps.Clone(params) {
		for _, other := range flips(value) {
			params[name] = other
			check("value of " + name)
		}
		delete(params, name)
		check("absence of " + name)
		for _, other := range flips(name) {
			params[other] = value
			check("name of " + name)
			delete(params, other)
		}
		params[name] = value
	}
}

func TestAnyFlippedByteIsRefused(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			r, secret := v.signed(t), v.credentials.AccessKeySecret
			checked := 0
			check := func(what string) {
				checked++
				if accepted(r, secret) {
					t.Errorf("accepted with another %s", what)
				}
			}
			flipMap(r.Query, check)
			flipMethod(r, check)
			for _, other := range flips(string(secret)) {
				if accepted(r, []byte(other)) {
					t.Error("accepted with another secret")
				}
			}
			if v.options.Scheme == V1 {
				flipMap(r.Form, check)
			} else {
				flipSignedHeaders(r, check)
				flipBody(r, check)
			}
			if !accepted(r, secret) || checked < 200 {
				t.Errorf("the test is not sound: %d checks", checked)
			}
		})
	}
}

func flipMethod(r *Request, check func(string)) {
	was := r.Method
	r.Method = map[string]string{"GET": "POST", "POST": "GET"}[was]
	check("method")
	r.Method = was
}

func flipSignedHeaders(r *Request, check func(string)) {
	for name := range strings.SplitSeq(signable(r.Header), ";") {
		if name == "host" {
			host := r.Host
			for _, r.Host = range flips(host) {
				check(name)
			}
			r.Host = host
			continue
		}
		value := r.Header.Get(name)
		for _, other := range flips(value) {
			r.Header.Set(name, other)
			check(name)
		}
		r.Header.Set(name, value)
	}
	// The key's id is not signed: another id means another secret.
	whole := r.Header.Get("Authorization")
	head, list, _ := strings.Cut(whole, "SignedHeaders=")
	for _, other := range flips("SignedHeaders=" + list) {
		r.Header.Set("Authorization", head+other)
		check("Authorization")
	}
	r.Header.Set("Authorization", whole)
}

func flipBody(r *Request, check func(string)) {
	body := r.Body
	for _, other := range flips(string(body)) {
		r.Body = []byte(other)
		check("body")
	}
	r.Body = append(bytes.Clone(body), 0)
	check("longer body")
	r.Body = body
}

func TestVerifyZeroClaim(t *testing.T) {
	if new(Claim).Verify([]byte("testsecret")) {
		t.Error("a claim of nothing verifies")
	}
}

func TestVerifyRefusesAnEmptySecret(t *testing.T) {
	for _, v := range []vector{goodV1, goodV3} {
		c, err := Read(v.signed(t))
		if err != nil {
			t.Fatal(err)
		}
		c.Signature = seal(c.Method, nil, c.text)
		if c.Verify(nil) || c.Verify([]byte{}) {
			t.Errorf("%s: anybody could have signed this", c.Scheme)
		}
	}
}

func TestVerifyLeavesTheSecretAlone(t *testing.T) {
	backing := []byte("testsecretX")
	c, err := Read(goodV1.signed(t))
	if err != nil || !c.Verify(backing[:10]) {
		t.Fatalf("does not verify: %v", err)
	}
	if string(backing) != "testsecretX" {
		t.Error("Verify wrote behind the secret")
	}
}

// Timing cannot be tested reliably; that the comparison goes through hmac.Equal,
// and through no other operator on the signature, can.
func TestVerifyComparesInConstantTime(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "signature.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	constant, plain := 0, 0
	for _, decl := range file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Name.Name != "Verify" {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "hmac" && n.Sel.Name == "Equal" {
					constant++
				}
			case *ast.BinaryExpr:
				if mentions(n.X, "Signature") || mentions(n.Y, "Signature") {
					if n.Op == token.EQL || n.Op == token.NEQ {
						plain++
					}
				}
			}
			return true
		})
	}
	if constant != 1 || plain != 0 {
		t.Errorf("Verify has %d constant-time and %d plain comparisons", constant, plain)
	}
}

func mentions(n ast.Node, name string) (found bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return true
	})
	return found
}

// BenchmarkVerify measures what each call costs a gateway: Read and Verify.
func BenchmarkVerify(b *testing.B) {
	for _, v := range []vector{vectors[1], vectors[6]} {
		b.Run(string(v.options.Scheme), func(b *testing.B) {
			r := v.signed(b)
			b.ReportAllocs()
			for b.Loop() {
				if !accepted(r, v.credentials.AccessKeySecret) {
					b.Fatal("refused")
				}
			}
		})
	}
}
