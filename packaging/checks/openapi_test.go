package checks

import (
	"os"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// TestOpenAPI holds the document that the service serves at /openapi.json to the
// specification.
func TestOpenAPI(t *testing.T) {
	text, err := os.ReadFile("../../internal/apidoc/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if valid, faults := v.ValidateDocument(); !valid {
		for _, fault := range faults {
			t.Errorf("%s: %s", fault.Message, fault.Reason)
			for _, detail := range fault.SchemaValidationErrors {
				t.Errorf("  %s: %s", detail.KeywordLocation, detail.Reason)
			}
		}
	}
	model, err := document.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	if n := model.Model.Paths.PathItems.Len(); n < 30 {
		t.Errorf("only %d operations", n)
	}
}
