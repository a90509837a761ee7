package issuer_test

import (
	"context"
	"strings"
	"testing"

	"chancery"
	"chancery/ca"
	"chancery/issuer"
)

func TestFind(t *testing.T) {
	authority := new(ca.Authority)
	table := issuer.New(authority, nil)
	local, err := table.Find("local")
	if err != nil || local != (issuer.Local{CA: authority}) {
		t.Errorf("local: %v, %v", local, err)
	}
	for _, name := range []string{"", "Local", "acme"} {
		if _, err := table.Find(name); err == nil || !strings.Contains(err.Error(), "local is the embedded CA") {
			t.Errorf("%q: %v; want an error that lists the names", name, err)
		}
	}
}

func TestEveryProductHasItsIssuer(t *testing.T) {
	table := issuer.New(new(ca.Authority), nil)
	for _, product := range chancery.DefaultCatalogue() {
		if _, err := table.Find(product.Issuer); err != nil {
			t.Errorf("product %s: %v", product.Code, err)
		}
	}
}

func TestLocalAsksTheAuthority(t *testing.T) {
	local, err := issuer.New(new(ca.Authority), nil).Find("local")
	if err != nil {
		t.Fatal(err)
	}
	_, err = local.Issue(context.Background(), chancery.IssueRequest{})
	if err == nil || !strings.Contains(err.Error(), "needs an account and an order") {
		t.Errorf("a request without an order: %v; want the authority's own refusal", err)
	}
}
