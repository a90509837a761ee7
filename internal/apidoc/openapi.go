package apidoc

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"time"
)

// OpenAPI is the OpenAPI 3.1 document of all operations that are served.
//
//go:embed openapi.json
var OpenAPI []byte

// Handler serves the OpenAPI document to anybody: it says nothing of who uses the
// service. A cache may keep it for five minutes and then ask by its tag.
func Handler() http.Handler {
	sum := sha256.Sum256(OpenAPI)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Cache-Control", "public, max-age=300")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Etag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(OpenAPI))
	})
}
