package e2e

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"chancery/cas"
	"chancery/client"
	"chancery/signature"
)

// order is what an applicant is to apply for, and as whom.
type order struct {
	name, method string
	product      string // empty: the service's default
	csr          string // PEM; empty: the service makes the key
	who          tenant
	patience     time.Duration // with each step; zero: the usual
}

// proof is what an applicant is told to publish.
type proof struct {
	Type, ValidateType                    string
	RecordDomain, RecordType, RecordValue string
	Domain, URI, Content                  string
}

// refusal is an error as the applicant's client surfaces it.
type refusal struct {
	Code, Message, RequestID, Recommend string
	Status                              int
}

// outcome is all that an applicant saw on its journey.
type outcome struct {
	before, after           quota
	proof                   proof
	certificate, privateKey string
	unknown                 refusal // of an order that does not exist
	badSecret               refusal // of a wrong secret
}

// applicant is one client. apply makes the whole journey; it publishes what it
// is told to with s.publish.
type applicant struct {
	name  string
	apply func(t *testing.T, s *service, o order) outcome
	needs func(t *testing.T) // ends the test if the client cannot run
}

var (
	cas20200407   = applicant{"cas20200407 V3", official("node", "clients/node/cas20200407.js"), needNode}
	popCoreGet    = applicant{"pop-core V1 GET", official("node", "clients/node/pop-core.js", "CHANCERY_HTTP_METHOD=GET"), needNode}
	popCorePost   = applicant{"pop-core V1 POST", official("node", "clients/node/pop-core.js", "CHANCERY_HTTP_METHOD=POST"), needNode}
	legacy        = applicant{"Go legacy V1", official("legacy", ""), needNothing}
	openAPI       = applicant{"Go openapi V3", official("openapi", ""), needNothing}
	ownClient     = applicant{"own client", byClient, needNothing}
	commandLine   = applicant{"command line", byCommandLine, needNothing}
	allApplicants = []applicant{cas20200407, popCoreGet, popCorePost, legacy, openAPI, ownClient, commandLine}
)

func needNothing(*testing.T) {}

// publish does what the proof asks for.
func (s *service) publish(t testing.TB, p proof) {
	t.Helper()
	switch p.ValidateType {
	case "DNS":
		s.dns.Set(p.RecordDomain, p.RecordType, p.RecordValue)
	case "FILE":
		s.dns.Set(p.Domain, "A", "127.0.0.1")
		s.web.publish(p.Domain, p.URI, p.Content)
	default:
		t.Fatalf("the proof is by %q", p.ValidateType)
	}
}

// spawnOfficial starts one of the programs in clients/, whose contract is in
// their README.
func spawnOfficial(t testing.TB, s *service, o order, program, script string, environment ...string) *process {
	t.Helper()
	var arguments []string
	if program == "node" {
		arguments = []string{filepath.FromSlash(script)}
	} else {
		program = filepath.Join(goClients, program)
	}
	return spawn(t, append(environment,
		"CHANCERY_ENDPOINT="+hostOf(t, s.endpoint), "CHANCERY_DOMAIN="+o.name, "CHANCERY_METHOD="+o.method, "CHANCERY_CSR="+o.csr, "CHANCERY_PRODUCT="+o.product,
		"CHANCERY_ACCESS_KEY_ID="+o.who.key.AccessKeyID, "CHANCERY_ACCESS_KEY_SECRET="+string(o.who.key.AccessKeySecret),
	), program, arguments...)
}

// official is the journey of an official client.
func official(program, script string, environment ...string) func(*testing.T, *service, order) outcome {
	return func(t *testing.T, s *service, o order) (all outcome) {
		t.Helper()
		p := spawnOfficial(t, s, o, program, script, environment...)
		p.patience = cmp.Or(o.patience, patience)
		p.await(t, p.stdout, "step", "quota", &all.before)
		p.await(t, p.stdout, "step", "proof", &all.proof)
		s.publish(t, all.proof)
		_, _ = io.WriteString(p.stdin, "published\n") // if it is gone, its last words say why
		var issued struct{ Certificate, PrivateKey string }
		p.await(t, p.stdout, "step", "issued", &issued)
		all.certificate, all.privateKey = issued.Certificate, issued.PrivateKey
		p.await(t, p.stdout, "step", "quota2", &all.after)
		p.await(t, p.stdout, "step", "error", &all.unknown)
		p.await(t, p.stdout, "step", "badsecret", &all.badSecret)
		if status := p.wait(t, patience); status != 0 {
			t.Errorf("the client ended with status %d\n%s", status, p.stderr)
		}
		return all
	}
}

// byClient is the journey of package client.
func byClient(t *testing.T, s *service, o order) (all outcome) {
	t.Helper()
	c := o.who.Client
	all.before = o.who.quota(t, "")
	id := o.who.apply(t, o.name, o.method)
	state := o.who.state(t, id)
	all.proof = proof{state.Type, state.ValidateType, state.RecordDomain, state.RecordType, state.RecordValue, state.Domain, state.Uri, state.Content}
	s.publish(t, all.proof)
	state, err := c.Wait(soon(t), id, 200*time.Millisecond, func(*cas.DescribeCertificateStateOutput) {})
	if err != nil {
		t.Fatal(err)
	}
	all.certificate, all.privateKey = state.Certificate, state.PrivateKey
	all.after = o.who.quota(t, "")

	_, err = c.DescribeCertificateState(soon(t), cas.DescribeCertificateStateInput{OrderId: 1})
	all.unknown = refusalOf(t, err)
	_, err = s.client(t, wrong(o.who.key)).DescribePackageState(soon(t), cas.DescribePackageStateInput{})
	all.badSecret = refusalOf(t, err)
	return all
}

// wrong is a key with a secret that is not its own.
func wrong(key signature.Credentials) signature.Credentials {
	key.AccessKeySecret = signature.Secret(string(key.AccessKeySecret) + "x")
	return key
}

func refusalOf(t testing.TB, err error) refusal {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is no answer of the service: %v", err)
	}
	return refusal{e.Code, e.Message, e.RequestID, e.Recommend, e.Status}
}

// byCommandLine is the journey of `chancery apply`. The command line does not
// show quota.
func byCommandLine(t *testing.T, s *service, o order) (all outcome) {
	t.Helper()
	all.before = o.who.quota(t, "")
	out := t.TempDir()
	p := spawn(t, s.signedIn(o.who.key), program, "apply", o.name, "--method", o.method, "--output", "json", "--out", out)
	var publish struct{ Method, Record, Type, Value, Host, Path, Content string }
	p.await(t, p.stdout, "event", "publish", &publish)
	all.proof = proof{"domain_verify", publish.Method, publish.Record, publish.Type, publish.Value, publish.Host, publish.Path, publish.Content}
	s.publish(t, all.proof)
	var issued struct{ Directory string }
	p.await(t, p.stdout, "event", "issued", &issued)
	if status := p.wait(t, patience); status != 0 {
		t.Errorf("apply ended with status %d\n%s", status, p.stderr)
	}
	all.certificate = read(t, filepath.Join(issued.Directory, "fullchain.pem"), 0o644)
	all.privateKey = read(t, filepath.Join(issued.Directory, "privkey.pem"), 0o600)
	if parts := read(t, filepath.Join(issued.Directory, "cert.pem"), 0o644) + read(t, filepath.Join(issued.Directory, "chain.pem"), 0o644); parts != all.certificate {
		t.Error("cert.pem and chain.pem together are not fullchain.pem")
	}
	all.after = o.who.quota(t, "")

	all.unknown = s.refusedCommand(t, o.who.key)
	all.badSecret = s.refusedCommand(t, wrong(o.who.key))
	return all
}

// signedIn is the environment of the commands that call the API.
func (s *service) signedIn(key signature.Credentials) []string {
	return []string{
		"CHANCERY_ENDPOINT=" + s.endpoint,
		"ALIBABA_CLOUD_ACCESS_KEY_ID=" + key.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + string(key.AccessKeySecret),
	}
}

var refusedText = regexp.MustCompile(`^chancery: (\S+): (.+) \(HTTP (\d+), request (\S+)\)\n`)

func (s *service) refusedCommand(t testing.TB, key signature.Credentials) refusal {
	t.Helper()
	done := finish(t, s.signedIn(key), program, "status", "1")
	found := refusedText.FindStringSubmatch(done.stderr)
	if done.status != 1 || found == nil {
		t.Fatalf("status 1 ended with %d: %s", done.status, done.stderr)
	}
	status, err := strconv.Atoi(found[3])
	if err != nil {
		t.Fatal(err)
	}
	return refusal{Code: found[1], Message: found[2], Status: status, RequestID: found[4]}
}

func read(t testing.TB, path string, mode os.FileMode) string {
	t.Helper()
	info, err := os.Stat(path)
	text, readErr := os.ReadFile(path)
	if err := cmp.Or(err, readErr); err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != mode {
		t.Error(fmt.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), mode))
	}
	return string(text)
}
