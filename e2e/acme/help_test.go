package acme

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
)

var quiet = log.New(io.Discard, "", 0)

type callKey struct{}

func withCall(ctx context.Context, c passing) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callOf(ctx context.Context) (passing, bool) {
	c, ok := ctx.Value(callKey{}).(passing)
	return c, ok
}

func pemOf(certificates ...*x509.Certificate) string {
	var text []byte
	for _, c := range certificates {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return string(text)
}

// readAll reads an answer and puts it back.
func readAll(answer *http.Response) ([]byte, error) {
	body, err := io.ReadAll(answer.Body)
	replace(answer, body)
	return body, err
}
