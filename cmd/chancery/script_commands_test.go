package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	_ "modernc.org/sqlite" // scripts damage databases

	"chancery/internal/service"
	"chancery/signature"
	"chancery/sts"
)

// patience bounds every wait of a script.
const patience = 45 * time.Second

// scriptCommands are what scripts can do besides testscript's own commands.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// serve ARGS... runs `chancery serve ARGS...` in the background, with its
	// output in serve.out and serve.err, waits until it listens and puts its
	// address into CHANCERY_ENDPOINT.
	"serve": command(func(ts *testscript.TestScript, args []string) {
		begin(ts, "serve", append([]string{"serve"}, args...))
		ts.Setenv("CHANCERY_ENDPOINT", await(ts, "serve.err", `endpoint"?[=:]"?(http[^" ]+)`))
	}),
	// begin NAME ARGS... runs `chancery ARGS...` in the background, with its output
	// in NAME.out and NAME.err.
	"begin": command(func(ts *testscript.TestScript, args []string) { begin(ts, args[0], args[1:]) }),
	// end NAME asks a program in the background to end, as Ctrl-C does; it must
	// end well.
	"end": command(func(ts *testscript.TestScript, args []string) {
		ts.Check(childOf(ts, args[0]).cmd.Process.Signal(os.Interrupt))
		join(ts, args[0])
	}),
	// join NAME waits for a program in the background to end well by itself.
	"join": command(func(ts *testscript.TestScript, args []string) { join(ts, args[0]) }),
	// fails STATUS COMMAND... runs a command that must end with exactly this status.
	"fails": command(func(ts *testscript.TestScript, args []string) {
		status := 0
		if failure := new(exec.ExitError); errors.As(ts.Exec(args[1], args[2:]...), &failure) {
			status = failure.ExitCode()
		}
		if strconv.Itoa(status) != args[0] {
			ts.Fatalf("the exit status is %d, not %s", status, args[0])
		}
	}),
	// settled PATTERN waits until `chancery keyring status` says so.
	"settled": command(func(ts *testscript.TestScript, args []string) {
		want := regexp.MustCompile(args[0])
		for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
			ts.Check(ts.Exec("chancery", "keyring", "status"))
			if want.MatchString(ts.ReadFile("stdout")) {
				return
			}
			if time.Now().After(deadline) {
				ts.Fatalf("the keyring's status has no match for %s within %s:\n%s", args[0], patience, ts.ReadFile("stdout"))
			}
		}
	}),
	// await FILE PATTERN waits until the file has a match.
	"await": command(func(ts *testscript.TestScript, args []string) { await(ts, args[0], args[1]) }),
	// capture VARIABLE FILE PATTERN puts the pattern's group into the environment;
	// FILE may be stdout or stderr of the last command.
	"capture": command(func(ts *testscript.TestScript, args []string) {
		found := regexp.MustCompile("(?m)" + args[2]).FindStringSubmatch(ts.ReadFile(args[1]))
		if len(found) < 2 {
			ts.Fatalf("%s has no match for %s", args[1], args[2])
		}
		ts.Setenv(args[0], found[1])
	}),
	// login FILE waits for the credentials that a first start writes, and puts
	// them into the environment.
	"login": command(func(ts *testscript.TestScript, args []string) {
		var key struct{ AccessKeyID, AccessKeySecret string }
		await(ts, args[0], "}")
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &key))
		ts.Setenv(envKeyID, key.AccessKeyID)
		ts.Setenv(envKeySecret, key.AccessKeySecret)
	}),
	// assume ROLE SESSION calls AssumeRole with the environment's credentials for a
	// role of the account in ACCOUNT, and puts the temporary ones in their place.
	"assume": command(func(ts *testscript.TestScript, args []string) { assume(ts, args[0], args[1]) }),
	// dns NAME TYPE VALUE... sets records; without a value it removes them.
	"dns": command(func(ts *testscript.TestScript, args []string) { around(ts).dns.Set(args[0], args[1], args[2:]...) }),
	// web HOST CONTENT serves the content as the host's proof, and has its name
	// lead to the web server.
	"web": command(func(ts *testscript.TestScript, args []string) {
		s := around(ts)
		s.dns.Set(args[0], "A", "127.0.0.1")
		s.mu.Lock()
		defer s.mu.Unlock()
		s.files[args[0]] = args[1]
	}),
	// sql DATABASE STATEMENT changes the database of a stopped service.
	"sql": command(func(ts *testscript.TestScript, args []string) {
		db, err := sql.Open("sqlite", "file:"+ts.MkAbs(args[0]))
		ts.Check(err)
		_, err = db.ExecContext(context.Background(), args[1])
		ts.Check(errors.Join(err, db.Close()))
	}),
	// mode PERMISSIONS FILE... checks the permissions of files.
	"mode": command(func(ts *testscript.TestScript, args []string) {
		for _, name := range args[1:] {
			info, err := os.Stat(ts.MkAbs(name))
			ts.Check(err)
			if have := fmt.Sprintf("%04o", info.Mode().Perm()); have != args[0] {
				ts.Fatalf("%s has mode %s, not %s", name, have, args[0])
			}
		}
	}),
	// busy ADDRESS takes a port for as long as the script runs, unless somebody
	// has it already.
	"busy": command(func(ts *testscript.TestScript, args []string) {
		listener, err := net.Listen("tcp", args[0])
		if err == nil {
			ts.Defer(func() { _ = listener.Close() })
		} else if !errors.Is(err, syscall.EADDRINUSE) {
			ts.Fatalf("%v", err)
		}
	}),
}

func assume(ts *testscript.TestScript, role, session string) {
	endpoint, err := url.Parse(ts.Getenv("CHANCERY_ENDPOINT"))
	ts.Check(err)
	signed := &signature.Request{Method: http.MethodPost, Host: endpoint.Host, Header: http.Header{}, Form: map[string]string{}, Query: map[string]string{
		"RoleArn": "acs:ram::" + ts.Getenv("ACCOUNT") + ":role/" + role, "RoleSessionName": session,
	}}
	ts.Check(signature.Sign(signed, signature.Credentials{
		AccessKeyID: ts.Getenv(envKeyID), AccessKeySecret: signature.Secret(ts.Getenv(envKeySecret)),
	}, signature.Options{
		Scheme: signature.V3, Action: "AssumeRole", Version: sts.Version, Nonce: rand.Text(), Time: time.Now(),
	}))
	query := url.Values{}
	for name, value := range signed.Query {
		query.Set(name, value)
	}
	request, err := http.NewRequest(http.MethodPost, endpoint.String()+"/?"+query.Encode(), nil)
	ts.Check(err)
	request.Header = signed.Header
	response, err := new(http.Client).Do(request)
	ts.Check(err)
	defer response.Body.Close()
	var out sts.AssumeRoleOutput
	ts.Check(json.NewDecoder(response.Body).Decode(&out))
	if response.StatusCode != http.StatusOK {
		ts.Fatalf("AssumeRole is answered with HTTP %d", response.StatusCode)
	}
	ts.Setenv(envKeyID, out.Credentials.AccessKeyId)
	ts.Setenv(envKeySecret, out.Credentials.AccessKeySecret)
	ts.Setenv(envKeyToken, out.Credentials.SecurityToken)
}

// command is a command that knows no "!".
func command(do func(*testscript.TestScript, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this command cannot be negated")
		}
		do(ts, args)
	}
}

func around(ts *testscript.TestScript) *surroundings {
	return ts.Value(surroundingsKey{}).(*surroundings)
}

// child is a program in the background. It never outlives its script.
type child struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it was waited for
}

func begin(ts *testscript.TestScript, name string, args []string) {
	c := &child{cmd: exec.Command("chancery", args...), ended: make(chan struct{})}
	c.cmd.Dir, c.cmd.Env = ts.MkAbs("."), environment(ts)
	c.cmd.Stdout, c.cmd.Stderr = create(ts, name+".out"), create(ts, name+".err")
	ts.Check(c.cmd.Start())
	go func() {
		defer close(c.ended)
		_ = c.cmd.Wait() // what it says is in ProcessState
	}()
	ts.Defer(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
	})
	around(ts).children[name] = c
}

func create(ts *testscript.TestScript, name string) *os.File {
	file, err := os.Create(ts.MkAbs(name))
	ts.Check(err)
	ts.Defer(func() { _ = file.Close() })
	return file
}

func childOf(ts *testscript.TestScript, name string) *child {
	c := around(ts).children[name]
	if c == nil {
		ts.Fatalf("there is no %s in the background", name)
	}
	return c
}

func join(ts *testscript.TestScript, name string) {
	c := childOf(ts, name)
	select {
	case <-c.ended:
	case <-time.After(patience):
		ts.Fatalf("%s has not ended within %s", name, patience)
	}
	if !c.cmd.ProcessState.Success() {
		ts.Fatalf("%s ended with %s:\n%s", name, c.cmd.ProcessState, ts.ReadFile(name+".err"))
	}
}

// await gives the last group of the pattern's first match.
func await(ts *testscript.TestScript, file, pattern string) string {
	want := regexp.MustCompile("(?m)" + pattern)
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		text, err := os.ReadFile(ts.MkAbs(file))
		if found := want.FindStringSubmatch(string(text)); err == nil && found != nil {
			return found[len(found)-1]
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s has no match for %s within %s:\n%s", file, pattern, patience, text)
		}
	}
}

// environment is what the program reads of the script's environment.
func environment(ts *testscript.TestScript) []string {
	names := []string{"PATH", "HOME", "TMPDIR", "XDG_DATA_HOME", "TZ", "GORACE", "GOCOVERDIR", service.KeyVariable, envKeyID, envKeySecret, envKeyToken}
	var add func(*cobra.Command)
	add = func(c *cobra.Command) {
		c.LocalFlags().VisitAll(func(flag *pflag.Flag) { names = append(names, environmentName(flag.Name)) })
		for _, sub := range c.Commands() {
			add(sub)
		}
	}
	add(rootCommand())
	var environment []string
	for _, name := range names {
		if value := ts.Getenv(name); value != "" {
			environment = append(environment, name+"="+value)
		}
	}
	return environment
}
