package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"chancery"
	"chancery/client"
)

// explain gives an error as a person reads it, with what to do about those that
// one meets first: the service is not there, the key is not its own, the plan is
// missing.
func explain(err error) string {
	var answer *client.Error
	var call *url.Error
	switch {
	case errors.As(err, &answer):
		return explainAnswer(answer)
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.As(err, &call) && !strings.HasPrefix(call.URL, "http://admin/"): // that is the admin socket
		return explainCall(call)
	}
	return err.Error()
}

func explainAnswer(e *client.Error) string {
	text, todo := e.Error(), ""
	switch e.Code {
	case "SignatureDoesNotMatch":
		// What follows in the message is for the authors of clients.
		text = fmt.Sprintf("%s: the signature is not that of the access key (HTTP %d, request %s)", e.Code, e.Status, e.RequestID)
		todo = "Is " + envKeySecret + " the secret of " + envKeyID + "?"
	case "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive":
		todo = "Is " + envKeyID + " a key of this service? The operator makes one with 'chancery accesskey create'."
	case "Forbidden.RAM":
		todo = "The operator sees why with 'chancery policy simulate', and gives policies with 'chancery policy attach'."
	case string(chancery.NotFoundPackage), string(chancery.NotRemainCount):
		todo = "The operator grants applications with 'chancery plan grant --product PRODUCT --count N'."
	}
	return strings.TrimSuffix(text+"\n"+todo, "\n")
}

func explainCall(e *url.Error) string {
	untrusted := new(tls.CertificateVerificationError)
	switch {
	case errors.As(e, &untrusted):
		return fmt.Sprintf("%s shows a certificate that is not trusted here: %v\nName the root that it is from with --ca or CHANCERY_CA.", e.URL, untrusted.Err)
	case strings.Contains(e.Err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s speaks http, not https\nWrite http:// before the address in --endpoint or CHANCERY_ENDPOINT.", e.URL)
	}
	return fmt.Sprintf("%s does not answer: %v\nDoes the service run there? Name another place with --endpoint or CHANCERY_ENDPOINT.", e.URL, e.Err)
}
