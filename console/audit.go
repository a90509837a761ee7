package console

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancery/admin"
)

type auditData struct {
	Form         *form
	Lines        []auditLine
	Accounts     []admin.Account // to choose from; not all where there are many
	Older, Newer string          // links
	Export       string          // the query of an export
	Filtered     bool
	Part         *admin.AuditPart // which lines were looked through; nil: there are none
}

// auditLine is a line as it is shown: Who is the principal without what all of the
// account have in common.
type auditLine struct {
	admin.AuditLine
	Who string
}

func auditLines(lines []admin.AuditLine) []auditLine {
	list := make([]auditLine, len(lines))
	for i, line := range lines {
		list[i] = auditLine{line, strings.TrimPrefix(line.Principal, fmt.Sprintf("acs:ram::%d:", line.AccountID))}
	}
	return list
}

// auditFilters are the fields of the filter, as they stand in the address.
var auditFilters = []string{"account", "principal", "action", "resource", "since", "until", "keyReads", "refused"}

const (
	shownLines = 50
	// auditWithin is how many lines one page looks through: a filter that picks none of
	// them takes some 20 ms, however long the log is.
	auditWithin = 20_000
)

func showAudit(p *page) error {
	f := p.form()
	data := auditData{Form: f}
	in := p.auditQuery(f)
	in.Limit, in.Within = shownLines, auditWithin
	query := p.r.URL.Query()
	number := func(name string) int64 {
		n, _ := strconv.ParseInt(query.Get(name), 10, 64)
		return max(n, 0)
	}
	if in.After = number("after"); in.After == 0 {
		if in.Before = number("before"); in.Before == 0 {
			in.Before = math.MaxInt64
		}
	}
	kept := url.Values{}
	for _, name := range auditFilters {
		if value := query.Get(name); value != "" {
			kept.Set(name, value)
			data.Filtered = data.Filtered || name != "account"
		}
	}
	data.Export = kept.Encode()
	if f.OK() {
		var page admin.AuditLines
		if err := p.instruct("audit.read", in, &page); err != nil {
			if err := p.refuseAudit(f, err); err != nil {
				return err
			}
		}
		data.Lines = auditLines(page.Lines)
		if in.After > 0 {
			slices.Reverse(data.Lines)
		}
		data.Part = page.Part
		data.link(kept)
	}
	p.status = 0 // a filter that is wrong is no form that was refused
	const most = 200
	if _, err := partly(p.instruct("account.list", admin.Nothing{}, &data.Accounts)); err != nil {
		return err
	}
	data.Accounts = data.Accounts[:min(len(data.Accounts), most)]
	return p.render("audit", data)
}

// link makes the links to the lines before and after those that were looked through.
func (d *auditData) link(kept url.Values) {
	to := func(name string, seq int64) string {
		query := url.Values{name: {strconv.FormatInt(seq, 10)}}
		for key, values := range kept {
			query[key] = values
		}
		return "?" + query.Encode()
	}
	if d.Part != nil && d.Part.Newer {
		d.Newer = to("after", d.Part.To)
	}
	if d.Part != nil && d.Part.Older {
		d.Older = to("before", d.Part.From)
	}
}

// auditQuery reads the filter of the page and of the export.
func (p *page) auditQuery(f *form) admin.AuditQuery {
	in := admin.AuditQuery{
		AccountID: p.accountAsked(f), Principal: strings.TrimSpace(f.Get("principal")), Action: strings.TrimSpace(f.Get("action")),
		Resource: strings.TrimSpace(f.Get("resource")), KeyReads: f.Get("keyReads") != "", Refused: f.Get("refused") != "",
	}
	moment := func(name string) (at time.Time) {
		text := f.Get(name)
		if text == "" {
			return at
		}
		for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, time.DateOnly} {
			if at, err := time.Parse(layout, text); err == nil {
				return at.UTC()
			}
		}
		f.Wrong(name, p.t("audit.wrongTime"))
		return at
	}
	in.Since, in.Until = moment("since"), moment("until")
	return in
}

// refuseAudit is refuse, with messages beside the field that they are about.
func (p *page) refuseAudit(f *form, err error) error {
	if err := p.refuse(f, err); err != nil {
		return err
	}
	for part, field := range map[string]string{"names no principal": "principal", "there is no action": "action", "there is no account": "account"} {
		if strings.Contains(f.Error, part) {
			f.Wrong(field, f.Error)
			f.Error = ""
		}
	}
	return nil
}

// exportAudit writes all lines that the filter picks as they are read, so that their
// number does not matter.
func exportAudit(p *page) error {
	f := p.form()
	in := p.auditQuery(f)
	if !f.OK() {
		return p.redirect("operator/audit?%s", p.r.URL.RawQuery) // which says what is wrong
	}
	var lines admin.AuditLines
	if err := p.instruct("audit.read", in, &lines); err != nil {
		return err
	}
	write, flush := writeCSV(p.w), func() {}
	kind, ending := "text/csv; charset=utf-8", "csv"
	if f.Get("format") == "jsonl" {
		kind, ending = "application/jsonl; charset=utf-8", "jsonl"
		write = writeJSON(p.w)
	}
	if flusher, ok := p.w.(http.Flusher); ok {
		flush = flusher.Flush
	}
	p.attach(kind, fmt.Sprintf("audit-%d-%s.%s", in.AccountID, p.console.Clock.Now().UTC().Format("20060102-150405"), ending))
	const batchTime = time.Minute
	control := http.NewResponseController(p.w)
	for {
		_ = control.SetWriteDeadline(time.Now().Add(batchTime)) //nolint:forbidigo // of the connection; servers without one need none
		if err := write(lines.Lines); err != nil {
			return nil //nolint:nilerr // whoever asked went away
		}
		flush()
		if !lines.More {
			return nil
		}
		in.After = lines.Lines[len(lines.Lines)-1].Seq
		// It was allowed, and its line written, with the first batch.
		page, err := p.console.Admin.ReadAudit(p.r.Context(), in)
		if err != nil {
			p.console.Log.Error("an export of the audit log was cut off", "request", p.id, "error", err.Error())
			_, _ = fmt.Fprintln(p.w, p.t("audit.cutOff", p.id))
			return nil
		}
		lines = page
	}
}

func writeJSON(w http.ResponseWriter) func([]admin.AuditLine) error {
	encoder := json.NewEncoder(w)
	return func(lines []admin.AuditLine) error {
		for _, line := range lines {
			if err := encoder.Encode(line); err != nil {
				return err
			}
		}
		return nil
	}
}

func writeCSV(w http.ResponseWriter) func([]admin.AuditLine) error {
	out, headed := csv.NewWriter(w), false
	return func(lines []admin.AuditLine) error {
		if !headed {
			headed = true
			_ = out.Write([]string{"seq", "time", "account", "principal", "accessKeyId", "address", "action", "resource", "code", "keyRead", "requestId"})
		}
		for _, l := range lines {
			row := []string{
				strconv.FormatInt(l.Seq, 10), l.Time.Format(time.RFC3339Nano), fmt.Sprint(l.AccountID), l.Principal, l.AccessKeyID,
				l.Address, l.Action, l.Resource, string(l.Code), strconv.FormatBool(l.KeyRead), l.RequestID,
			}
			for i := range row {
				row[i] = plainCell(row[i])
			}
			_ = out.Write(row)
		}
		out.Flush()
		return out.Error()
	}
}

// plainCell keeps spreadsheets from taking a text for a formula: one that begins like a
// formula, also after blanks, gets an apostrophe before it.
func plainCell(text string) string {
	trimmed := strings.TrimLeft(text, " \t\r\n\v\f\u00a0\u3000\ufeff\x00")
	if trimmed != "" && strings.ContainsRune("=+-@＝＋－＠|%", []rune(trimmed)[0]) || text != "" && strings.ContainsRune("\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
