package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

const clients = "../e2e/clients"

// runners run a call as code: a file in a directory of its own.
var runners = map[string]func(t *testing.T, dir, text string) (command []string){
	"Go": func(t *testing.T, dir, text string) []string {
		return []string{need(t, "go"), "run", "-C", absolute(t, clients+"/go"), write(t, dir, "main.go", text)}
	},
	"TypeScript": func(t *testing.T, dir, text string) []string {
		node, modules := need(t, "node"), absolute(t, clients+"/node/node_modules")
		compiler := need(t, modules+"/typescript/bin/tsc")
		if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
		file := write(t, dir, "call.ts", text)
		run(t, dir, nil, node, compiler, "--strict", "--esModuleInterop", "--module", "commonjs", "--target", "es2022", "--types", "node", "--skipLibCheck", file)
		return []string{node, strings.TrimSuffix(file, ".ts") + ".js"}
	},
	"curl": func(t *testing.T, dir, text string) []string {
		need(t, "curl")
		return []string{need(t, "sh"), write(t, dir, "call.sh", text)}
	},
}

// Calls as code do what they say: with official clients and with curl, for parameters
// that need care in each language, and with the private key from the environment.
func TestSnippetsRun(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 7)
	ada := env.Visit().SignIn(env.Tenant)
	chain := testenv.NewChain(t, "www.example.test", env.Clock.Now().Add(24*time.Hour))
	variables := []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + env.Key.ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + string(env.Key.Secret.Reveal()), "PRIVATE_KEY=" + chain.Key,
	}
	code := func(visitor *consoletest.Visitor, language, operation string, parameters url.Values) string {
		parameters.Set("do", "code")
		visitor.Get("/console/explorer")
		return snippetsOf(t, visitor.Post("/console/explorer/"+operation, parameters).Body)[language]
	}
	for language, runner := range runners {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			reader := env.Visit().SignIn(env.Tenant)
			mine := func(operation string, parameters url.Values) []byte {
				dir := t.TempDir()
				return run(t, dir, variables, runner(t, dir, code(reader, language, operation, parameters))...)
			}
			var quota struct{ TotalCount int64 }
			decode(t, mine("DescribePackageState", url.Values{"ProductCode": {chancery.DefaultProduct}}), &quota)
			if quota.TotalCount != 7 {
				t.Errorf("TotalCount is %d", quota.TotalCount)
			}
			name := `it's "` + language + `" $(id) \u0041 ä+*~ &`
			var uploaded struct{ CertId int64 }
			decode(t, mine("UploadUserCertificate", url.Values{
				"Name": {name}, "Cert": {chain.Full()}, "Key": {chain.Key}, "Tags.1.Key": {"env"}, "Tags.1.Value": {`a b~c'"` + "`"},
			}), &uploaded)
			var detail struct {
				Name, Cert, Key string
				Tags            []struct{ TagKey, TagValue string }
			}
			env.Signed("GetUserCertificateDetail", chancery.EncodeParameters(uploaded)).Decode(&detail)
			// A browser's form, and so a page, ends lines in CR LF; PEM does not mind.
			if detail.Name != name || strings.TrimSpace(detail.Key) != strings.TrimSpace(chain.Key) || len(detail.Tags) != 1 || detail.Tags[0].TagValue != `a b~c'"`+"`" {
				t.Errorf("came through as %+v", detail)
			}
		})
	}
	parameters := func() url.Values {
		return url.Values{"Name": {`it's "mine" $(id) \u0041 ä`}, "Cert": {"a\nb"}, "Key": {"-"}, "Tags.1.Key": {"-x"}}
	}
	t.Run("Python", func(t *testing.T) { // syntax alone
		dir := t.TempDir()
		run(t, dir, nil, need(t, "python3"), "-m", "py_compile", write(t, dir, "call.py", code(ada, "Python", "UploadUserCertificate", parameters())))
	})
	t.Run("Java", func(t *testing.T) { // syntax alone
		dir := t.TempDir()
		need(t, "javac")
		checker := write(t, dir, "Parse.java", parseJava)
		run(t, dir, nil, need(t, "java"), checker, write(t, dir, "Call.java", code(ada, "Java", "UploadUserCertificate", parameters())))
	})
	t.Run("aliyun CLI", func(t *testing.T) { // the words that the program gets
		dir := t.TempDir()
		file := write(t, dir, "call.sh", `aliyun() { for word; do printf '<%s>' "$word"; done; }`+"\n"+code(ada, "aliyun CLI", "UploadUserCertificate", parameters()))
		got := string(run(t, dir, []string{"PRIVATE_KEY=secret"}, need(t, "sh"), file))
		want := "<cas><UploadUserCertificate><--version><2020-04-07><--force><--endpoint><" + strings.TrimPrefix(env.Endpoint, "http://") + "><--region><cn-hangzhou><--insecure>" +
			`<--Cert><a` + "\n" + `b><--Key><secret><--Name><it's "mine" $(id) \u0041 ä><--Tags.1.Key><-x>`
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// parseJava fails for a file that is not Java; what it imports need not be there.
const parseJava = `
import com.sun.source.util.JavacTask;
import java.util.List;
import javax.tools.*;
public class Parse {
    public static void main(String[] files) throws Exception {
        DiagnosticCollector<JavaFileObject> found = new DiagnosticCollector<>();
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StandardJavaFileManager manager = compiler.getStandardFileManager(found, null, null);
        ((JavacTask) compiler.getTask(null, manager, found, null, null, manager.getJavaFileObjects(files))).parse();
        if (!found.getDiagnostics().isEmpty()) throw new Exception(found.getDiagnostics().toString());
    }
}
`

// need finds a program; without it the test is skipped, or fails where all are to run.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if _, err := os.Stat(program); err == nil {
		return program // a script for another program
	}
	if os.Getenv("CHANCERY_TEST_ALL") == "1" {
		t.Fatalf("missing: %s", program)
	}
	t.Skipf("missing: %s", program)
	return ""
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	if text == "" {
		t.Fatal("there is no such code")
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func run(t *testing.T, dir string, variables []string, command ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	program := exec.CommandContext(ctx, command[0], command[1:]...)
	program.Dir, program.Env = dir, slices.Concat(os.Environ(), variables)
	var trouble bytes.Buffer
	program.Stderr = &trouble
	output, err := program.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", command[0], err, output, trouble.Bytes())
	}
	return output
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
