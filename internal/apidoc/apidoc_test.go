package apidoc_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chancery/internal/apidoc"
)

func TestCatalogue(t *testing.T) {
	o, found := apidoc.Find("CreateCertificateRequest")
	if !found || o.RAMAction != "yundun-cert:CreateCertificateRequest" || o.Access != "create" || o.Rate != 10 {
		t.Fatalf("%+v", o)
	}
	for _, code := range o.Errors {
		if _, found := apidoc.FindError(code); !found {
			t.Errorf("there is no error %s", code)
		}
	}
	if diff := cmp.Diff(o.Errors, []string{"MissingParameter", "InvalidParameter", "NotFoundPackage", "NotRemainCount", "IdempotentParameterMismatch"}); diff != "" {
		t.Error(diff)
	}
	if row, found := apidoc.FindError("SignatureDoesNotMatch"); !found || !row.Everywhere || row.Status != http.StatusBadRequest {
		t.Errorf("%+v", row)
	}
	if o, found := apidoc.Find("AssumeRole-2015-04-01"); !found || o.Product != "sts" {
		t.Errorf("%+v", o)
	}
	if o, found := apidoc.Find("DescribeCertificateState"); !found || !o.RevealsKey {
		t.Errorf("%+v", o)
	}
}

func TestRows(t *testing.T) {
	fields := []apidoc.Field{
		{Name: "Name", Type: apidoc.String, Required: true},
		{Name: "Ids", Type: apidoc.List, Of: apidoc.Integer},
		{Name: "Tags", Type: apidoc.List, Of: apidoc.Object, Fields: []apidoc.Field{{Name: "Key", Type: apidoc.String}}},
	}
	want := []apidoc.Row{
		{Name: "Name", Type: apidoc.String, Required: true}, {Name: "Ids.1", Type: apidoc.Integer},
		{Name: "Tags.1", Type: apidoc.List}, {Name: "Tags.1.Key", Type: apidoc.String},
	}
	if diff := cmp.Diff(apidoc.Rows(fields, "1"), want); diff != "" {
		t.Error(diff)
	}
}

func TestHandler(t *testing.T) {
	get := func(tag string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/openapi.json", nil)
		r.Header.Set("If-None-Match", tag)
		apidoc.Handler().ServeHTTP(w, r)
		return w
	}
	first := get("")
	if first.Code != http.StatusOK || first.Header().Get("Content-Type") != "application/json" || !json.Valid(first.Body.Bytes()) {
		t.Errorf("%d %v", first.Code, first.Header())
	}
	if again := get(first.Header().Get("Etag")); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("asked again: %d", again.Code)
	}
}
