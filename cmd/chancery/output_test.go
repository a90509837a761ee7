package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"chancery/cas"
)

func TestYAMLHasWhatJSONHas(t *testing.T) {
	result := struct {
		Text   string   `json:"text"`
		Number string   `json:"number"` // a text that looks like a number stays one
		ID     int64    `json:"id"`
		Yes    string   `json:"yes"`
		List   []string `json:"list"`
		Lines  string   `json:"lines"`
		Absent *string  `json:"absent,omitempty"`
	}{Text: "a: b", Number: "007", ID: 9007199254740991, Yes: "true", List: []string{}, Lines: "one\ntwo\n"}
	text, err := yamlOf(result)
	if err != nil {
		t.Fatal(err)
	}
	want := "text: 'a: b'\nnumber: \"007\"\nid: 9007199254740991\nyes: \"true\"\nlist: []\nlines: |\n  one\n  two\n"
	if string(text) != want {
		t.Errorf("%s", text)
	}
}

func TestFit(t *testing.T) {
	rows := [][]string{{"123456", "www.example.com,shop.example.com", "issued"}}
	got := fit(40, "ORDER NAMES STATUS", rows, 1)
	var out bytes.Buffer
	if err := table(&out, "ORDER NAMES STATUS", got); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimSpace(line))); n > 40 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	if got[0][0] != "123456" || !strings.HasSuffix(got[0][1], "…") {
		t.Errorf("%q", got)
	}
	if fit(0, "ORDER NAMES STATUS", rows, 1)[0][1] != rows[0][1] {
		t.Error("shortened without a terminal")
	}
}

// TestLineFits: what is written anew is never longer than the terminal is wide, since
// what wraps stays.
func TestLineFits(t *testing.T) {
	var out bytes.Buffer
	columns := 30
	p := &progress{line: line{to: &out, moving: true, columns: func() int { return columns }}, began: time.Now()}
	state := &cas.DescribeCertificateStateOutput{Type: "domain_verify", Looks: []cas.Look{{Finding: "wrong value", Detail: strings.Repeat("x", 100)}}}
	p.show(state)
	columns = 12
	p.show(state)
	widths := []int{29, 11}
	for i, text := range strings.Split(out.String(), "\r\x1b[K")[1:] {
		if n := len([]rune(text)); n != widths[i] {
			t.Errorf("%d characters: %q", n, text)
		}
	}
	if strings.Contains(out.String(), "\n") {
		t.Errorf("more than one line: %q", out.String())
	}
}

func TestCertificatesByEnd(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	row := func(id int64, left time.Duration) cas.CertificateOrder {
		return cas.CertificateOrder{CertEndTime: now.Add(left).UnixMilli(), CertificateRow: &cas.CertificateRow{CertificateId: id}}
	}
	rows := []cas.CertificateOrder{row(1, 40*day), row(2, -time.Hour), row(3, 12*time.Hour), row(4, 30*day)}
	for within, want := range map[time.Duration][]int64{0: {2, 3, 4, 1}, 30 * day: {3, 4}, 12 * time.Hour: {3}} {
		var got []int64
		for _, c := range byEnd(rows, within, now) {
			got = append(got, c.CertificateID)
		}
		if len(got) != len(want) {
			t.Errorf("within %s: %v", within, got)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("within %s: %v", within, got)
			}
		}
	}
	if left := byEnd(rows, 12*time.Hour, now)[0].DaysLeft; left != 0 {
		t.Errorf("%d days left", left)
	}
}
