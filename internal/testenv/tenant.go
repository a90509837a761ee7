package testenv

import (
	"context"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/client"
	"chancery/signature"
)

// Tenant is an account with one of its access keys, which signs whatever the
// tenant calls: its own, that of a user, or a temporary one.
type Tenant struct {
	Account   chancery.AccountID
	Key       chancery.AccessKey
	Token     string             // the security token of a temporary key
	Principal chancery.Principal // who the key speaks for

	env *Env
}

// NewAccount makes a further account with a key of its own and no plan.
func (e *Env) NewAccount() *Tenant {
	e.t.Helper()
	account := chancery.Account{ID: chancery.NewAccountID(), Name: "test", CreatedAt: e.Clock.Now()}
	e.Write(func(tx chancery.Tx) error { return tx.AddAccount(account) })
	return (&Tenant{Account: account.ID, env: e}).NewKey()
}

// NewKey makes a further access key: the same account, signing with that.
func (p *Tenant) NewKey() *Tenant {
	p.env.t.Helper()
	return p.AddKey(chancery.NewAccessKey(p.Account, p.env.Clock.Now()))
}

// AddKey takes over a key of the test's choice.
func (p *Tenant) AddKey(key chancery.AccessKey) *Tenant {
	p.env.t.Helper()
	key.AccountID = p.Account
	p.env.Write(func(tx chancery.Tx) error { return tx.AddAccessKey(key) })
	return &Tenant{
		Account: p.Account, Key: key, env: p.env, Principal: chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: p.Account},
	}
}

// Grant gives the account a plan. It ends after the given time, or never without
// one.
func (p *Tenant) Grant(product string, units int64, ends ...time.Duration) (plan chancery.Plan) {
	p.env.t.Helper()
	now := p.env.Clock.Now()
	plan = chancery.Plan{AccountID: p.Account, ProductCode: product, Total: units, GrantedAt: now}
	for _, after := range ends {
		plan.ExpiresAt = now.Add(after)
	}
	p.env.Write(func(tx chancery.Tx) (err error) {
		plan, err = tx.AddPlan(plan)
		return err
	})
	return plan
}

// Credentials are those of the tenant's key.
func (p *Tenant) Credentials() signature.Credentials {
	return signature.Credentials{AccessKeyID: p.Key.ID, AccessKeySecret: p.Key.Secret.Reveal(), SecurityToken: p.Token}
}

// Client is the real client with the tenant's key. It dates its requests by the
// machine's clock, so it gets along until the environment's has been moved by
// more than 15 minutes; Call always does.
func (p *Tenant) Client() *client.Client {
	p.env.t.Helper()
	c, err := client.New(p.env.Endpoint, p.Credentials(), nil)
	p.env.must(err)
	return c
}

// Application is a good application for a name, to be changed at will.
func Application(domain string) cas.CreateCertificateRequestInput {
	return cas.CreateCertificateRequestInput{
		Username: "Ada", Phone: "13900001111", Email: "ada@example.com", Domain: domain, ValidateType: "DNS",
	}
}

// Apply opens an order for a name and gives its id; the test ends if that fails.
func (p *Tenant) Apply(domain string, changes ...func(*cas.CreateCertificateRequestInput)) int64 {
	p.env.t.Helper()
	in := Application(domain)
	for _, change := range changes {
		change(&in)
	}
	var out cas.CreateOutput
	p.Call("CreateCertificateRequest", in).Decode(&out)
	return out.OrderId
}

// State is the verbose answer of DescribeCertificateState.
func (p *Tenant) State(order int64) (out cas.DescribeCertificateStateOutput) {
	p.env.t.Helper()
	p.Call("DescribeCertificateState", cas.DescribeCertificateStateInput{OrderId: order, Verbose: true}).Decode(&out)
	return out
}

// Quota is the answer of DescribePackageState.
func (p *Tenant) Quota(product string) (out cas.DescribePackageStateOutput) {
	p.env.t.Helper()
	p.Call("DescribePackageState", cas.DescribePackageStateInput{ProductCode: product}).Decode(&out)
	return out
}

// Order reads one of the account's orders from the store.
func (p *Tenant) Order(id int64) (order chancery.Order) {
	p.env.t.Helper()
	p.env.Read(func(tx chancery.Tx) (err error) {
		order, err = tx.Order(p.Account, chancery.OrderID(id))
		return err
	})
	return order
}

// Publish puts the proofs of an order where they are looked for: in the DNS, or
// on the web server.
func (p *Tenant) Publish(order int64) {
	p.env.t.Helper()
	var all []chancery.Validation
	p.env.Read(func(tx chancery.Tx) (err error) {
		all, err = tx.Validations(p.Account, chancery.OrderID(order))
		return err
	})
	for _, v := range all {
		if v.Method == chancery.DNS {
			p.env.Zone.Set(v.Record(), "TXT", v.Token)
			continue
		}
		p.env.Zone.Set(string(v.Name), "A", "127.0.0.1")
		p.env.Web.PutAt(string(v.Name), v.Path(), v.Token)
	}
}

// Await waits until an order is in a state; the test ends if that takes more than
// a minute. The clock stands still meanwhile.
func (p *Tenant) Await(order int64, state chancery.State) chancery.Order {
	p.env.t.Helper()
	const patience = time.Minute
	for began := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		now := p.Order(order)
		if now.State == state {
			return now
		}
		if time.Since(began) > patience {
			p.env.t.Fatalf("%v after %v; want %s. Its state: %+v", &now, patience, state, p.State(order))
		}
	}
}

// Issue takes a name from application to certificate and gives the order.
func (p *Tenant) Issue(domain string, changes ...func(*cas.CreateCertificateRequestInput)) int64 {
	p.env.t.Helper()
	order := p.Apply(domain, changes...)
	p.Publish(order)
	p.env.Clock.Advance(time.Second)
	p.Await(order, chancery.Issued)
	return order
}

// Read reads the store; the test ends for an error.
func (e *Env) Read(fn func(chancery.Tx) error) {
	e.t.Helper()
	e.must(e.Store.Read(context.Background(), fn))
}

// Write writes to the store behind the service's back; the test ends for an error.
func (e *Env) Write(fn func(chancery.Tx) error) {
	e.t.Helper()
	e.must(e.Store.Write(context.Background(), fn))
}
