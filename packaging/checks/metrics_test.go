package checks

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	goyaml "go.yaml.in/yaml/v3"
)

const patience = 60 * time.Second

// series are those of one metric, each with the values of its labels.
type series []map[string]string

// TestQueries reads every query of the dashboard and the alerts as Prometheus does,
// and looks for its metrics, labels and values among those of a running service.
func TestQueries(t *testing.T) {
	metrics := scrape(t)
	for _, q := range append(dashboard(t), alerts(t)...) {
		// What Grafana puts there.
		text := strings.NewReplacer("$__rate_interval", "5m", "$job", "chancery").Replace(q.text)
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		if err != nil {
			t.Errorf("%s: %v\n%s", q.of, err, text)
			continue
		}
		var known []string // labels of the query's metrics
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if selector, is := node.(*parser.VectorSelector); is {
				known = append(known, checkSelector(t, q.of, selector, metrics)...)
			}
			return nil
		})
		parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
			if aggregate, is := node.(*parser.AggregateExpr); is {
				for _, label := range aggregate.Grouping {
					if !slices.Contains(known, label) {
						t.Errorf("%s: no metric has the label %q\n%s", q.of, label, text)
					}
				}
			}
			return nil
		})
		for _, label := range regexp.MustCompile(`{{\s*(\w+)\s*}}|\$labels\.(\w+)`).FindAllStringSubmatch(q.shown, -1) {
			if name := label[1] + label[2]; !slices.Contains(known, name) {
				t.Errorf("%s shows the label %q, which no metric has", q.of, name)
			}
		}
	}
}

// checkSelector gives the labels that the selected metric has, those included that
// Prometheus adds to what it scrapes.
func checkSelector(t *testing.T, of string, selector *parser.VectorSelector, metrics map[string]series) []string {
	t.Helper()
	known := []string{"job", "instance"}
	if selector.Name == "up" {
		return known
	}
	all, there := metrics[selector.Name]
	if !there {
		t.Errorf("%s: the service has no metric %q", of, selector.Name)
		return known
	}
	for _, one := range all {
		for label := range one {
			known = append(known, label)
		}
	}
	for _, matcher := range selector.LabelMatchers {
		if matcher.Name == model.MetricNameLabel {
			continue
		}
		if !slices.Contains(known, matcher.Name) {
			t.Errorf("%s: %s has no label %q", of, selector.Name, matcher.Name)
		}
		// Which of these there are is fixed; other values come and go.
		if fixed := matcher.Name == "state" || matcher.Name == "within" || selector.Name == "chancery_notices_total"; fixed && matcher.Type == labels.MatchEqual &&
			!slices.ContainsFunc(all, func(one map[string]string) bool { return one[matcher.Name] == matcher.Value }) {
			t.Errorf("%s: %s has no %s", of, selector.Name, matcher)
		}
	}
	return known
}

type query struct{ of, text, shown string }

func dashboard(t *testing.T) (queries []query) {
	t.Helper()
	text, err := os.ReadFile("../grafana/chancery.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title, UID string
		Panels     []struct {
			ID          int
			Type, Title string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	ids, places := map[int]bool{}, map[[2]int]string{}
	for _, panel := range board.Panels {
		if ids[panel.ID] {
			t.Errorf("two panels have the number %d", panel.ID)
		}
		ids[panel.ID] = true
		for x := range panel.GridPos.W {
			for y := range panel.GridPos.H {
				place := [2]int{panel.GridPos.X + x, panel.GridPos.Y + y}
				if other := places[place]; other != "" || place[0] >= 24 {
					t.Fatalf("the panel %q lies on %q, or outside", panel.Title, other)
				}
				places[place] = panel.Title
			}
		}
		if panel.Type != "row" && len(panel.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			queries = append(queries, query{panel.Title, target.Expr, target.LegendFormat})
		}
	}
	if board.Title == "" || board.UID == "" || len(queries) == 0 {
		t.Error("the dashboard is not complete")
	}
	return queries
}

// guideSection is what an alert's description names of the operations guide.
var guideSection = regexp.MustCompile(`See "([^"]+)"|see "([^"]+)"`)

func alerts(t *testing.T) (queries []query) {
	t.Helper()
	text, err := os.ReadFile("../prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../docs/operations-guide.md")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	decoder := goyaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("the alert %q is not complete", rule.Alert)
			}
			if rule.For != "" {
				if _, err := model.ParseDuration(rule.For); err != nil {
					t.Errorf("%s: %v", rule.Alert, err)
				}
			}
			for _, section := range guideSection.FindAllStringSubmatch(rule.Annotations["description"], -1) {
				if name := section[1] + section[2]; !strings.Contains(string(guide), "\n## "+name+"\n") && !strings.Contains(string(guide), "\n### "+name+"\n") {
					t.Errorf("%s: the guide has no section %q", rule.Alert, name)
				}
			}
			queries = append(queries, query{rule.Alert, rule.Expr, rule.Annotations["summary"]})
		}
	}
	return queries
}

// scrape runs the true program, has it work a little, and reads its metrics.
func scrape(t *testing.T) map[string]series {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "chancery")
	build := exec.Command("go", "build", "-o", program, "./cmd/chancery")
	build.Dir = "../.."
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, output)
	}
	credentials := filepath.Join(dir, "credentials.json")
	serve := exec.CommandContext(t.Context(), program, "serve", "--data-dir", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0",
		"--metrics-listen", "127.0.0.1:0", "--log-format", "json", "--credentials-out", credentials, "--dcv-resolver", "127.0.0.1:9")
	serve.Cancel = func() error { return serve.Process.Signal(syscall.SIGTERM) }
	serve.WaitDelay = patience
	log, err := serve.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Kill()
		_ = serve.Wait()
	})
	var listening struct{ Msg, Endpoint, Metrics string }
	for lines := bufio.NewScanner(log); listening.Msg != "listening" && lines.Scan(); {
		_ = json.Unmarshal(lines.Bytes(), &listening)
	}
	go func() { _, _ = io.Copy(io.Discard, log) }() // ends with the program
	text, err := os.ReadFile(credentials)
	if err != nil {
		t.Fatal(err)
	}
	var key struct{ AccessKeyID, AccessKeySecret string }
	if err := json.Unmarshal(text, &key); err != nil {
		t.Fatal(err)
	}
	apply := exec.Command(program, "apply", "www.example.test", "--no-wait")
	apply.Env = append(os.Environ(), "CHANCERY_ENDPOINT="+listening.Endpoint, "ALIBABA_CLOUD_ACCESS_KEY_ID="+key.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+key.AccessKeySecret)
	if output, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("applying: %v\n%s", err, output)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		metrics := read(t, listening.Metrics+"/metrics")
		if len(metrics["chancery_steps_total"]) > 0 && len(metrics["chancery_crl_end_timestamp_seconds"]) > 0 {
			return metrics
		}
		if time.Now().After(deadline) {
			t.Fatal("no step was worked on, or no CRL is there")
		}
	}
}

// read gives the metrics of a page as queries name them.
func read(t *testing.T, url string) map[string]series {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	metrics := map[string]series{}
	for name, family := range families {
		for _, metric := range family.Metric {
			one := map[string]string{}
			for _, label := range metric.Label {
				one[label.GetName()] = label.GetValue()
			}
			if metric.Histogram != nil {
				metrics[name+"_sum"] = append(metrics[name+"_sum"], one)
				metrics[name+"_count"] = append(metrics[name+"_count"], one)
				bucket := map[string]string{"le": ""}
				for label, value := range one {
					bucket[label] = value
				}
				metrics[name+"_bucket"] = append(metrics[name+"_bucket"], bucket)
				continue
			}
			metrics[name] = append(metrics[name], one)
		}
	}
	return metrics
}
