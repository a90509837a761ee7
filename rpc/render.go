package rpc

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"chancery"
)

// format is how an answer is written.
type format string

const (
	formatJSON format = "JSON"
	formatXML  format = "XML"
)

// Clients compare these as they stand; one parses XML only under exactly this type.
const (
	jsonType = "application/json;charset=utf-8"
	xmlType  = "text/xml;charset=utf-8"
)

// formatOf follows each scheme's defaults: V3 is answered in JSON; V1 in the
// Format it names, XML if it names none, and XML when Accept asks for nothing
// else.
func formatOf(r *http.Request, m *message) (format, error) {
	if m.isV3() {
		return formatJSON, nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Accept")); err == nil && (media == "application/xml" || media == "text/xml") {
		return formatXML, nil
	}
	switch asked := format(strings.ToUpper(m.all["Format"])); asked {
	case "", formatXML:
		return formatXML, nil
	case formatJSON:
		return formatJSON, nil
	}
	return formatJSON, chancery.Errorf("InvalidParameter.Format", "Format is JSON or XML")
}

// answer is what goes out.
type answer struct {
	status      int
	code        chancery.Code // empty for success
	contentType string
	body        []byte
	retryAfter  time.Duration // 0 says nothing
}

// errorBody has all five fields always, each a string: clients index them
// without looking.
type errorBody struct {
	XMLName   xml.Name `json:"-" xml:"Error"`
	RequestId string
	HostId    string
	Code      string
	Message   string
	Recommend string
	// Of a denial alone.
	AccessDeniedDetail *accessDeniedDetail `json:",omitempty" xml:",omitempty"`
}

// render writes the answer.
func (c *call) render(err error) answer {
	if err == nil {
		return answer{status: http.StatusOK, contentType: c.contentType(), body: c.body}
	}
	row, message := lookUp(err)
	body := errorBody{
		RequestId: c.id, HostId: c.request.Host, Code: string(row.Code), Message: message, Recommend: c.help(row.Code),
	}
	var denied *deniedError
	if errors.As(err, &denied) {
		body.AccessDeniedDetail = &denied.detail
	}
	return answer{
		status: row.Status, code: row.Code, contentType: c.contentType(), body: c.encodeError(body), retryAfter: retryAfter(row, err),
	}
}

func retryAfter(row ErrorRow, err error) time.Duration {
	const unavailable = 2 * time.Second
	var public *chancery.Error
	switch {
	case errors.As(err, &public) && public.RetryAfter > 0:
		return public.RetryAfter
	case row.Status == http.StatusServiceUnavailable:
		return unavailable
	}
	return 0
}

func (c *call) contentType() string {
	if c.format == formatXML {
		return xmlType
	}
	return jsonType
}

func (c *call) help(code chancery.Code) string {
	scheme := "http"
	if c.request.TLS != nil {
		scheme = "https"
	}
	help := url.URL{Scheme: scheme, Host: c.request.Host, Path: "/errors/" + string(code), RawQuery: "requestId=" + c.id}
	return help.String()
}

// encode writes the one flat object of a success: RequestId, then the Output's
// fields. There is no Code in it, since older clients take one for an error.
func (c *call) encode(output any) ([]byte, error) {
	if c.format == formatXML {
		return c.encodeXML(output)
	}
	fields, err := compactJSON(output)
	if err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	head := `{"RequestId":"` + c.id + `"`
	if len(fields) > len("{}") {
		head += ","
	}
	return append([]byte(head), fields[1:]...), nil
}

func (c *call) encodeError(body errorBody) []byte {
	if c.format == formatXML {
		text, err := xml.Marshal(body)
		if err == nil {
			return append([]byte(xml.Header), text...)
		}
	}
	text, err := compactJSON(body)
	if err != nil {
		return []byte(`{}`) // five strings can always be written
	}
	return text
}

// compactJSON leaves & < > as they are, for people and scripts who read bodies.
func compactJSON(v any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimRight(text.Bytes(), "\n"), err
}

// encodeXML writes <{Action}Response> with one element a field; a list is the
// repeated element with the list's name.
func (c *call) encodeXML(output any) ([]byte, error) {
	var text bytes.Buffer
	text.WriteString(xml.Header)
	encoder := xml.NewEncoder(&text)
	root := xml.StartElement{Name: xml.Name{Local: c.operation.Name + "Response"}}
	if err := encoder.EncodeToken(root); err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	if err := encodeElement(encoder, "RequestId", c.id); err != nil {
		return nil, err
	}
	fields := reflect.Indirect(reflect.ValueOf(output))
	for i := range fields.NumField() {
		field := fields.Type().Field(i)
		if strings.Contains(field.Tag.Get("xml"), "omitempty") && fields.Field(i).IsZero() {
			continue
		}
		if err := encodeElement(encoder, field.Name, fields.Field(i).Interface()); err != nil {
			return nil, err
		}
	}
	if err := encoder.EncodeToken(root.End()); err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("writing an answer: %w", err)
	}
	return text.Bytes(), nil
}

func encodeElement(encoder *xml.Encoder, name string, value any) error {
	if err := encoder.EncodeElement(value, xml.StartElement{Name: xml.Name{Local: name}}); err != nil {
		return fmt.Errorf("writing %s of an answer: %w", name, err)
	}
	return nil
}

func stack() []byte { return debug.Stack() }
