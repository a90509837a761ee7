package matrix

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testcert"
	"chancery/internal/testenv"
	"chancery/sts"
)

// world is a service with two accounts, and those who call it.
type world struct {
	*testing.T
	*testenv.Env

	theirs  *testenv.Tenant // the other account
	allowed []*testenv.Tenant
	denied  *testenv.Tenant
	refused []refused

	foreign map[kind]string // an object of the other account
	own     map[kind]string // one of ours that is not spent
	keys    map[string]string
	names   int
}

// brief is a product whose certificates are about to end as soon as they are issued.
const brief = "brief"

func newWorld(t *testing.T) *world {
	t.Helper()
	products := append(testenv.Products(), chancery.Product{
		Code: brief, Name: brief, Level: chancery.DV, LifetimeDays: 20, TermDays: 365, KeyAlgorithm: chancery.ECC256, Issuer: "local",
	})
	env := testenv.New(t, testenv.WithStatements(t), testenv.WithoutWorker(), testenv.WithProducts(products...), testenv.WithRepeatWindow(0))
	w := &world{T: t, Env: env, theirs: env.NewAccount(), foreign: map[kind]string{}, own: map[kind]string{}, keys: map[string]string{}}
	for _, tenant := range []*testenv.Tenant{w.Tenant, w.theirs} {
		tenant.Grant(chancery.DefaultProduct, 1000)
		tenant.Grant(brief, 100)
	}
	w.allowed = []*testenv.Tenant{w.Tenant, w.AsUser("allowed"), w.AsRole("allowed")}
	w.denied = w.AsUser("denied")
	w.refused = w.refusals()
	return w
}

// name is one that was not used before, fixedName always the same.
func (w *world) name() string {
	w.names++
	return fmt.Sprintf("n%d.example.test", w.names)
}

func (w *world) fixedName() string { return "the-only-one" }

func (w *world) newRequest() string {
	request, _ := testcert.NewRequest(w, w.name())
	return request
}

func (w *world) newPair() testcert.Pair { return testcert.New(w, w.Clock.Now(), w.name()) }

// keyOf is the key of a CSR that was stored without it; any for another id.
func (w *world) keyOf(id string) string {
	if key, ok := w.keys[id]; ok {
		return key
	}
	return w.keys[""]
}

func number(id string) int64 {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

// make makes an object for an account and gives its id.
func (w *world) make(k kind, of *testenv.Tenant) string {
	w.Helper()
	switch k {
	case waiting:
		return id(of.Apply(w.name()))
	case withdrawn:
		order := of.Apply(w.name())
		of.Call("CancelOrderRequest", cas.OrderInput{OrderId: order}).Decode(&cas.Done{})
		return id(order)
	case instance:
		return of.Order(of.Apply(w.name())).InstanceID
	case issued:
		return id(w.issue(of, chancery.DefaultProduct))
	case ending:
		return id(w.issue(of, brief))
	case certificate:
		return id(int64(of.Order(w.issue(of, chancery.DefaultProduct)).CertificateID))
	case upload, uploadNamed:
		return w.makeUpload(k, of)
	case csr, keyless:
		return w.makeCSR(k, of)
	case contact:
		var out cas.ContactIDOutput
		of.Call("CreateContact", cas.CreateContactInput{Name: "Ada", Mobile: "139"}).Decode(&out)
		return id(out.ContactId)
	case company:
		var out cas.CompanyIDOutput
		of.Call("CreateCompany", rows["2020-04-07 CreateCompany"][0].input(w, "")).Decode(&out)
		return id(out.CompanyId)
	case role:
		w.names++
		return of.NewRole(fmt.Sprintf("role-%05d", w.names), testenv.Trusting(of.Principal.ARN())).ARN()
	case none:
	}
	return ""
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// issue takes an order to its certificate, with background work for that long.
func (w *world) issue(of *testenv.Tenant, product string) int64 {
	w.Helper()
	stop := w.Env.Run(w.NewWorker())
	defer stop()
	return of.Issue(w.name(), func(in *cas.CreateCertificateRequestInput) { in.ProductCode = product })
}

func (w *world) makeUpload(k kind, of *testenv.Tenant) string {
	w.Helper()
	pair := w.newPair()
	var out cas.UploadUserCertificateOutput
	of.Call("UploadUserCertificate", cas.UploadUserCertificateInput{Name: w.name(), Cert: pair.Cert, Key: pair.Key}).Decode(&out)
	if k == uploadNamed {
		return out.ResourceId
	}
	return id(out.CertId)
}

func (w *world) makeCSR(k kind, of *testenv.Tenant) string {
	w.Helper()
	request, key := testcert.NewRequest(w, w.name())
	in := cas.UploadCsrInput{Csr: request, Key: key}
	if k == keyless {
		in.Key = ""
	}
	var out cas.CSROutput
	of.Call("UploadCsr", in).Decode(&out)
	w.keys[id(out.CsrId)], w.keys[""] = key, key
	return id(out.CsrId)
}

// ours is an object of our account to be called with once, or more often.
func (w *world) ours(r row) string {
	w.Helper()
	if r.spent {
		return w.make(r.object, w.Tenant)
	}
	if w.own[r.object] == "" {
		w.own[r.object] = w.make(r.object, w.Tenant)
	}
	return w.own[r.object]
}

// another is an object of the other account.
func (w *world) another(k kind) string {
	w.Helper()
	if w.foreign[k] == "" {
		w.foreign[k] = w.make(k, w.theirs)
	}
	return w.foreign[k]
}

// missing is the id of no object, of as many characters as another's.
func missing(k kind, like string) string {
	switch k {
	case none:
		return ""
	case role:
		return like[:strings.LastIndex(like, "/")+1] + "role-99999"
	case instance, uploadNamed:
		return like[:len(like)-4] + "zzzz"
	}
	digits := []byte(like)
	for i := len(digits) - 1; i > 0; i-- {
		digits[i] = '0' + (digits[i]-'0'+5)%10 // far from any that was drawn
	}
	return string(digits)
}

// refused is somebody whose calls are refused before anything is looked at.
type refused struct {
	who    string
	as     *testenv.Tenant
	change func(*testenv.Request)
	code   string
}

func (w *world) refusals() []refused {
	w.Helper()
	nothing := func(*testenv.Request) {}
	disabled := w.NewKey()
	w.Write(func(tx chancery.Tx) error { return tx.DisableAccessKey(disabled.Account, disabled.Key.ID) })
	sessionRole := w.NewRole("stale", testenv.Trusting(w.Principal.ARN()), "AdministratorAccess")
	session, other := w.Assume(sessionRole, nil), w.Assume(sessionRole, nil)
	revoked, expired := w.Assume(sessionRole, nil), w.Assume(sessionRole, nil)
	w.Write(func(tx chancery.Tx) error { return tx.RevokeSession(revoked.Account, revoked.Key.ID, w.Clock.Now()) })
	w.SQL("UPDATE sessions SET expires_at = created_at WHERE access_key_id = $1", expired.Key.ID)
	token := func(text string) func(*testenv.Request) {
		return func(r *testenv.Request) { r.Credentials.SecurityToken = text }
	}
	at := func(offset time.Duration) func(*testenv.Request) {
		return func(r *testenv.Request) { r.Options.Time = r.Options.Time.Add(offset) }
	}
	return []refused{
		{"a wrong secret", w.Tenant, func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("guessed") }, "SignatureDoesNotMatch"},
		{"a user's wrong secret", w.allowed[1], func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("guessed") }, "SignatureDoesNotMatch"},
		{"a session's wrong secret", session, func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("guessed") }, "SignatureDoesNotMatch"},
		{"a disabled key", disabled, nothing, "InvalidAccessKeyId.Inactive"},
		{"no signature", w.Tenant, func(r *testenv.Request) {
			r.Tamper = func(wire *testenv.Wire) { wire.Header.Del("Authorization") }
		}, "MissingAccessKeyId"},
		{"a request from long ago", w.Tenant, at(-16 * time.Minute), "InvalidTimeStamp.Expired"},
		{"a request from the future", w.Tenant, at(16 * time.Minute), "InvalidTimeStamp.Expired"},
		{"an expired session", expired, nothing, "InvalidSecurityToken.Expired"},
		{"a revoked session", revoked, nothing, "InvalidSecurityToken.Expired"},
		{"a session with another's token", session, token(other.Token), "InvalidSecurityToken.MismatchWithAccessKey"},
		{"a session with a cut token", session, token(session.Token[:40]), "InvalidSecurityToken.Malformed"},
		{"a session without token", session, token(""), "MissingSecurityToken"},
		{"an account key with a session's token", w.Tenant, token(session.Token), "InvalidSecurityToken.MismatchWithAccessKey"},
	}
}

// apis are all tables of contents.
func apis() []chancery.API { return append((&cas.Service{}).APIs(), (&sts.Service{}).API()) }
