package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"chancery/internal/apidoc"
)

// object is a JSON object that keeps its order, which viewers show.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := encoder.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := encoder.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// openAPI is the OpenAPI 3.1 document of the operations that are served. The API has
// one path and names the operation elsewhere, while a document keys operations by
// path: so each has the path /#<operation>, of which no client sends what is behind
// the #. docs/openapi.md tells what tools make of it.
func openAPI(root string) (string, error) {
	c, err := collect(root)
	if err != nil {
		return "", err
	}
	var paths, tags object
	for _, o := range c.Operations {
		if o.Later {
			continue
		}
		if tag := tagOf(o); len(tags) == 0 || tags[len(tags)-1].name != tag {
			tags = append(tags, member{tag, object{{"name", tag}, {"description", fmt.Sprintf("Product %s, version %s.", o.Product, o.Version)}}})
		}
		paths = append(paths, member{"/#" + o.ID, object{{"post", openAPIOperation(c, o)}}})
	}
	var tagList []any
	for _, tag := range tags {
		tagList = append(tagList, tag.value)
	}
	return indented(object{
		{"openapi", "3.1.0"},
		{"info", object{
			{"title", "Chancery"},
			{"version", c.Operations[0].Version},
			{"summary", "Certificate Management Service, signed RPC."},
			{"description", openAPIDescription},
		}},
		{"servers", []any{object{{"url", "/"}, {"description", "The service that this document is from."}}}},
		{"security", []any{object{{"V3", []string{}}}, object{{"V1", []string{}}}}},
		{"tags", tagList},
		{"paths", paths},
		{"components", object{
			{"parameters", commonHeaders()},
			{"headers", answerHeaders},
			{"schemas", object{{"Error", errorSchema(c.Errors)}}},
			{"responses", object{{"Error", failed("What any call may meet: "+codeList(everywhere(c.Errors))+".", errorReference)}}},
			{"securitySchemes", securitySchemes},
		}},
		{"x-error-codes", c.Errors},
	})
}

const openAPIDescription = `Every call is one signed POST (or GET) of ` + "`/`" + `. What stands behind the # of a path here only tells the operations apart; it is not sent. ` +
	`The operation is named by the headers x-acs-action and x-acs-version under V3, by the parameters Action and Version under V1.

Parameters stand in a form body, in the query, or in both; names that are not known are ignored. Lists are numbered from 1: Tags.1.Key, Tags.1.Value, Tags.2.Key.

Answers are JSON; under V1 only with the parameter Format=JSON, and XML without. ` +
	`x-ram-action, x-ram-access and x-ram-resources say what a policy has to allow and may narrow it to, x-rate-limit how many calls a second ` + "`--rates documented`" + ` allows an account, ` +
	`and x-error-codes what to do about each error. An answer with x-reveals-private-key has its private key only for callers who are allowed ReadPrivateKey too.`

func tagOf(o apidoc.Operation) string { return o.Product + " " + o.Version }

func openAPIOperation(c apidoc.Catalogue, o apidoc.Operation) object {
	operation := object{
		{"operationId", o.ID},
		{"tags", []string{tagOf(o)}},
		{"summary", o.Summary},
		{"description", o.Doc},
		{"parameters", []any{
			headerOfOne("x-acs-action", "The operation; under V3.", o.Name), headerOfOne("x-acs-version", "The API version; under V3.", o.Version),
			parameterReference("Date"), parameterReference("Nonce"), parameterReference("ContentHash"), parameterReference("SecurityToken"),
		}},
		{"requestBody", requestBody(o)},
		{"responses", responses(c, o)},
		{"x-ram-access", o.Access},
	}
	if !o.Everyone {
		operation = append(operation, member{"x-ram-action", o.RAMAction}, member{"x-ram-resources", o.Resources})
	}
	if o.Rate > 0 {
		operation = append(operation, member{"x-rate-limit", o.Rate})
	}
	if o.RevealsKey {
		operation = append(operation, member{"x-reveals-private-key", true})
	}
	return operation
}

// requestBody is the form. Entries of lists have a numbered name each: the first is
// spelt out, for viewers and generators that know no patterns.
func requestBody(o apidoc.Operation) object {
	var required []string
	properties := object{
		{"Action", constant("The operation; under V1.", o.Name)},
		{"Version", constant("The API version; under V1.", o.Version)},
	}
	first, numbered := apidoc.Rows(o.Parameters, "1"), apidoc.Rows(o.Parameters, "N")
	var patterns object
	for i, row := range first {
		if row.Type == apidoc.List {
			continue // what is in it has rows of its own
		}
		properties = append(properties, member{row.Name, scalar(row.Type, parameterDoc(o.Parameters, row))})
		if row.Name != numbered[i].Name {
			pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(numbered[i].Name), `\.N`, `\.[1-9][0-9]*`) + "$"
			patterns = append(patterns, member{pattern, scalar(row.Type, "")})
		} else if row.Required {
			required = append(required, row.Name)
		}
	}
	schema := object{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		schema = append(schema, member{"required", required})
	}
	if len(patterns) > 0 {
		schema = append(schema, member{"patternProperties", patterns})
	}
	return object{
		{"required", len(required) > 0},
		{"content", object{{"application/x-www-form-urlencoded", object{{"schema", schema}}}}},
	}
}

// parameterDoc is a row's text; that of a list's entry has the list's before it.
func parameterDoc(parameters []apidoc.Field, row apidoc.Row) string {
	for _, f := range parameters {
		if f.Type == apidoc.List && strings.HasPrefix(row.Name, f.Name+".") && f.Doc != row.Doc {
			return strings.TrimSpace(f.Doc + " " + row.Doc)
		}
	}
	return row.Doc
}

func responses(c apidoc.Catalogue, o apidoc.Operation) object {
	properties := object{{"RequestId", scalar(apidoc.String, "Names the request, also in the operator's log.")}}
	required := []string{"RequestId"}
	for _, f := range o.Answer {
		properties = append(properties, member{f.Name, fieldSchema(f)})
		if f.Required {
			required = append(required, f.Name)
		}
	}
	all := object{{"200", object{
		{"description", "It is done."},
		{"headers", object{{"x-acs-request-id", object{{"$ref", "#/components/headers/RequestId"}}}}},
		{"content", object{{"application/json", object{{"schema", object{{"type", "object"}, {"required", required}, {"properties", properties}}}}}}},
	}}}
	for _, status := range statuses(c, o.Errors) {
		codes := slices.DeleteFunc(slices.Clone(o.Errors), func(code string) bool { return statusOf(c, code) != status })
		all = append(all, member{strconv.Itoa(status), failed(codeList(codes)+", or what any call may meet.", errorReference)})
	}
	return append(all, member{"default", object{{"$ref", "#/components/responses/Error"}}})
}

func statuses(c apidoc.Catalogue, codes []string) []int {
	var all []int
	for _, code := range codes {
		all = append(all, statusOf(c, code))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func statusOf(c apidoc.Catalogue, code string) int {
	i := slices.IndexFunc(c.Errors, func(row apidoc.ErrorCode) bool { return row.Code == code })
	return c.Errors[i].Status // collect takes no code that has no row
}

func everywhere(all []apidoc.ErrorCode) (codes []string) {
	for _, row := range all {
		if row.Everywhere {
			codes = append(codes, row.Code)
		}
	}
	return codes
}

func codeList(codes []string) string { return "`" + strings.Join(codes, "`, `") + "`" }

var errorReference = object{{"$ref", "#/components/schemas/Error"}}

func failed(description string, schema object) object {
	return object{
		{"description", description},
		{"headers", object{
			{"x-acs-request-id", object{{"$ref", "#/components/headers/RequestId"}}},
			{"x-acs-retry-after", object{{"$ref", "#/components/headers/RetryAfter"}}},
		}},
		{"content", object{{"application/json", object{{"schema", schema}}}}},
	}
}

// errorSchema has every code that callers can get, and what to do about it.
func errorSchema(all []apidoc.ErrorCode) object {
	var codes []string
	var advice strings.Builder
	advice.WriteString("What was wrong; programs compare it.\n\n")
	for _, row := range all {
		codes = append(codes, row.Code)
		fmt.Fprintf(&advice, "- `%s` (%d): %s\n", row.Code, row.Status, row.Advice)
	}
	denial := object{}
	for _, name := range []string{"AuthAction", "AuthPrincipalType", "AuthPrincipalOwnerId", "AuthPrincipalDisplayName", "NoPermissionType", "PolicyType", "EncodedDiagnosticMessage"} {
		denial = append(denial, member{name, scalar(apidoc.String, "")})
	}
	return object{
		{"type", "object"},
		{"required", []string{"RequestId", "HostId", "Code", "Message", "Recommend"}},
		{"properties", object{
			{"RequestId", scalar(apidoc.String, "Names the request, also in the operator's log.")},
			{"HostId", scalar(apidoc.String, "The host that was called.")},
			{"Code", object{{"type", "string"}, {"description", advice.String()}, {"enum", codes}}},
			{"Message", scalar(apidoc.String, "What was wrong with this request.")},
			{"Recommend", scalar(apidoc.String, "A page that says what to do.")},
			{"AccessDeniedDetail", object{{"type", "object"}, {"description", "With Forbidden.RAM alone: what was asked of the policies."}, {"properties", denial}}},
		}},
	}
}

func fieldSchema(f apidoc.Field) object {
	entry := object{{"type", "object"}}
	if len(f.Fields) > 0 {
		var properties object
		var required []string
		for _, inner := range f.Fields {
			properties = append(properties, member{inner.Name, fieldSchema(inner)})
			if inner.Required {
				required = append(required, inner.Name)
			}
		}
		if required != nil {
			entry = append(entry, member{"required", required})
		}
		entry = append(entry, member{"properties", properties})
	} else if f.Type == apidoc.List {
		entry = scalar(f.Of, "")
	}
	switch f.Type {
	case apidoc.List:
		return described(object{{"type", "array"}, {"items", entry}}, f.Doc)
	case apidoc.Object:
		return described(entry, f.Doc)
	}
	return scalar(f.Type, f.Doc)
}

func scalar(kind, text string) object {
	switch kind {
	case apidoc.Integer:
		return described(object{{"type", "integer"}, {"format", "int64"}}, text)
	case apidoc.Boolean:
		return described(object{{"type", "boolean"}}, text)
	}
	return described(object{{"type", cmp.Or(kind, apidoc.String)}}, text)
}

func described(schema object, text string) object {
	if text != "" {
		schema = append(schema, member{"description", text})
	}
	return schema
}

// constant says one value in each way that some tool reads.
func constant(text, value string) object {
	return object{{"type", "string"}, {"description", text}, {"enum", []string{value}}, {"default", value}}
}

func headerOfOne(name, text, value string) object {
	return object{{"name", name}, {"in", "header"}, {"schema", constant(text, value)}}
}

func parameterReference(name string) object {
	return object{{"$ref", "#/components/parameters/" + name}}
}

// commonHeaders are those of V3. None is marked as required, since V1 has none.
func commonHeaders() object {
	header := func(key, name, text string, more ...member) member {
		return member{key, object{
			{"name", name}, {"in", "header"}, {"description", text},
			{"schema", append(object{{"type", "string"}}, more...)},
		}}
	}
	return object{
		header("Date", "x-acs-date", "Under V3: the time of the request in UTC, as 2006-01-02T15:04:05Z.", member{"format", "date-time"}),
		header("Nonce", "x-acs-signature-nonce", "Under V3: what no other request has, such as a UUID.", member{"maxLength", 256}),
		header("ContentHash", "x-acs-content-sha256", "Under V3: SHA-256 of the body, in small hexadecimal letters.", member{"pattern", "^[0-9a-f]{64}$"}),
		header("SecurityToken", "x-acs-security-token", "Under V3, with a temporary access key: the token that came with it."),
	}
}

var answerHeaders = object{
	{"RequestId", object{{"description", "RequestId of the answer."}, {"schema", object{{"type", "string"}}}}},
	{"RetryAfter", object{{"description", "With Throttling.User and ServiceUnavailable: how many milliseconds to wait."}, {"schema", object{{"type", "integer"}}}}},
}

var securitySchemes = object{
	{"V3", object{
		{"type", "apiKey"}, {"in", "header"}, {"name", "Authorization"},
		{"description", "ACS3-HMAC-SHA256 Credential=<access key id>,SignedHeaders=<names>,Signature=<hex>. The signature is the HMAC-SHA256, under the access key's secret, " +
			"of `ACS3-HMAC-SHA256`, a line feed, and the hexadecimal SHA-256 of the canonical request: method, path, sorted query, signed headers (host, content-type if there is one, and every x-acs-*), " +
			"their names, and x-acs-content-sha256, each on a line. Every official client makes it."},
	}},
	{"V1", object{
		{"type", "apiKey"}, {"in", "query"}, {"name", "Signature"},
		{"description", "With AccessKeyId, SignatureMethod (HMAC-SHA1 or HMAC-SHA256), SignatureVersion (1.0), SignatureNonce, Timestamp, Action, Version, and SecurityToken with a temporary access key, in the query or in the form. " +
			"The signature is the Base64 of the HMAC, under the access key's secret and an ampersand, of method, %2F and the encoded query of all parameters, sorted by name. Every official client makes it."},
	}},
}
