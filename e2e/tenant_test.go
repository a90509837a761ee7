package e2e

import (
	"fmt"
	"testing"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/client"
	"chancery/signature"
)

// tenant is an account with a key and a plan of its own, so that tests which
// share a service can count its units.
type tenant struct {
	account chancery.AccountID
	key     signature.Credentials
	*client.Client
}

// tenant makes one with so many units of a product.
func (s *service) tenant(t testing.TB, product string, units int64) tenant {
	t.Helper()
	var account admin.Account
	s.ask(t, "account.create", admin.NewAccount{Name: t.Name()}, &account)
	var key admin.AccessKey
	s.ask(t, "accesskey.create", admin.NewAccessKey{AccountID: account.ID}, &key)
	s.ask(t, "plan.grant", admin.Grant{AccountID: account.ID, ProductCode: product, Count: units}, &admin.Plan{})
	made := tenant{account: account.ID, key: signature.Credentials{AccessKeyID: key.ID, AccessKeySecret: signature.Secret(key.Secret)}}
	made.Client = s.client(t, made.key)
	return made
}

// ask speaks to the running service through its admin socket, as the command line does.
func (s *service) ask(t testing.TB, name string, in, out any) {
	t.Helper()
	socket, running, err := admin.Dial(soon(t), s.dir)
	if err != nil || !running {
		t.Fatalf("the admin socket: running %v, %v", running, err)
	}
	if err := socket.Call(soon(t), name, in, out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// userWhoMay makes a user of the first account with a policy, by the operator's
// commands.
func (s *service) userWhoMay(t testing.TB, name, policy string) signature.Credentials {
	t.Helper()
	for _, command := range [][]string{
		{"user", "create", name},
		{"policy", "create", name, "--document", file(t, name+".json", policy)},
		{"policy", "attach", name, "--user", name},
	} {
		if done := s.command(t, command...); done.status != 0 {
			t.Fatalf("chancery %v ended with status %d: %s", command, done.status, done.stderr)
		}
	}
	var key admin.AccessKey
	s.operate(t, &key, "accesskey", "create", "--user", name)
	return signature.Credentials{AccessKeyID: key.ID, AccessKeySecret: signature.Secret(key.Secret)}
}

// uid is the account as the command line takes it.
func (who tenant) uid() string { return fmt.Sprint(int64(who.account)) }

// quota is what DescribePackageState tells.
type quota struct {
	Total, Used, Issued int64
	ProductCode         string
}

func (q quota) String() string {
	return fmt.Sprintf("%s: %d used of %d, %d issued", q.ProductCode, q.Used, q.Total, q.Issued)
}

// quota reads the tenant's quota of a product.
func (who tenant) quota(t testing.TB, product string) quota {
	t.Helper()
	state, err := who.DescribePackageState(soon(t), cas.DescribePackageStateInput{ProductCode: product})
	if err != nil {
		t.Fatal(err)
	}
	return quota{state.TotalCount, state.UsedCount, state.IssuedCount, state.ProductCode}
}

// apply opens an order.
func (who tenant) apply(t testing.TB, name, method string) int64 {
	t.Helper()
	made, err := who.CreateCertificateRequest(soon(t), cas.CreateCertificateRequestInput{
		Username: "Tom", Phone: "13900001111", Email: "ops@example.com", Domain: name, ValidateType: method,
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.OrderId
}

// state reads an order with all its evidence.
func (who tenant) state(t testing.TB, order int64) *cas.DescribeCertificateStateOutput {
	t.Helper()
	state, err := who.DescribeCertificateState(soon(t), cas.DescribeCertificateStateInput{OrderId: order, Verbose: true})
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// orders are all that the tenant has, as they are listed.
func (who tenant) orders(t testing.TB) map[int64]bool {
	t.Helper()
	all := map[int64]bool{}
	for page := int64(1); ; page++ {
		out, err := who.ListUserCertificateOrder(soon(t), cas.ListUserCertificateOrderInput{CurrentPage: page, ShowSize: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range out.CertificateOrderList {
			all[row.OrderId] = true
		}
		if len(out.CertificateOrderList) == 0 || page*100 >= out.TotalCount {
			return all
		}
	}
}

// issued waits until an order has its certificate.
func (who tenant) issued(t testing.TB, order int64) (state *cas.DescribeCertificateStateOutput) {
	t.Helper()
	eventually(t, fmt.Sprintf("order %d is issued", order), func() bool {
		state = who.state(t, order)
		return state.Type == string(chancery.Issued)
	})
	return state
}
