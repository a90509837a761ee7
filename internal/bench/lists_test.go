package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// BenchmarkLists measures lists and details of accounts with a thousand and with
// a hundred thousand orders; every third has its certificate. A page, wherever it
// begins, and a detail take at most three times as long in the large account as
// in the small one; a keyword is looked for in every entry.
func BenchmarkLists(b *testing.B) {
	for _, orders := range []int{1_000, 100_000} {
		env := testenv.New(b, testenv.WithoutWorker())
		account := fill(b, env, orders)
		last := int64(orders / 50)
		for _, call := range []struct {
			name  string
			input cas.ListUserCertificateOrderInput
		}{
			{"first-page", cas.ListUserCertificateOrderInput{}},
			{"middle-page", cas.ListUserCertificateOrderInput{CurrentPage: last / 2}},
			{"last-page", cas.ListUserCertificateOrderInput{CurrentPage: last}},
			{"status", cas.ListUserCertificateOrderInput{Status: "CHECKING", CurrentPage: last / 6}},
			{"certificates", cas.ListUserCertificateOrderInput{OrderType: "CERT", CurrentPage: last / 6}},
			{"group", cas.ListUserCertificateOrderInput{ResourceGroupId: "rg-seldom"}},
			{"rare-keyword", cas.ListUserCertificateOrderInput{Keyword: "host77.example"}},
			{"broad-keyword", cas.ListUserCertificateOrderInput{Keyword: "example"}},
			{"broad-keyword-deep", cas.ListUserCertificateOrderInput{Keyword: "example", CurrentPage: last}},
			{"broad-keyword-status", cas.ListUserCertificateOrderInput{Keyword: "example", Status: "CHECKING", CurrentPage: last / 6}},
			{"broad-keyword-certificates", cas.ListUserCertificateOrderInput{Keyword: "example", OrderType: "CERT", CurrentPage: last / 6}},
			{"broad-keyword-group", cas.ListUserCertificateOrderInput{Keyword: "example", ResourceGroupId: "rg-seldom"}},
			{"keyword-of-tenth", cas.ListUserCertificateOrderInput{Keyword: "9.example"}},
			{"keyword-of-none", cas.ListUserCertificateOrderInput{Keyword: "nowhere"}},
		} {
			b.Run(fmt.Sprintf("%s/%d", call.name, orders), func(b *testing.B) {
				for b.Loop() {
					if answer := env.Call("ListUserCertificateOrder", call.input); answer.Status != 200 {
						b.Fatal(answer.Body)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("detail/%d", orders), func(b *testing.B) {
			for b.Loop() {
				env.Call("GetUserCertificateDetail", cas.GetUserCertificateDetailInput{CertId: int64(account.certificate)}).Decode(&struct{}{})
			}
		})
		b.Run(fmt.Sprintf("state/%d", orders), func(b *testing.B) {
			for b.Loop() {
				env.Call("DescribeCertificateState", cas.DescribeCertificateStateInput{OrderId: int64(account.order)}).Decode(&struct{}{})
			}
		})
		for _, table := range []string{"certificates", "orders", "listed", "list_blocks", "list_texts"} {
			env.SQL("DELETE FROM " + table) // the environment would find orders without proofs
		}
	}
}

type filled struct {
	order       chancery.OrderID
	certificate chancery.CertificateID
}

// fill writes orders as they are after some months of use.
func fill(b *testing.B, env *testenv.Env, orders int) (some filled) {
	b.Helper()
	return fillTagged(b, env, orders, func(int) []chancery.Tag { return nil })
}

// fillTagged is fill with tags for each order, which its certificate has too.
func fillTagged(b *testing.B, env *testenv.Env, orders int, tags func(int) []chancery.Tag) (some filled) {
	b.Helper()
	plan := env.Grant(chancery.DefaultProduct, 1)
	c := testenv.NewChain(b, "www.example.test", env.Clock.Now().Add(60*24*time.Hour))
	const batch = 1000
	for begin := 0; begin < orders; begin += batch {
		err := env.Store.Write(context.Background(), func(tx chancery.Tx) error {
			for i := begin; i < begin+batch; i++ {
				o := chancery.Order{
					ID: chancery.NewOrderID(), AccountID: env.Account, InstanceID: chancery.NewInstanceID(), PlanID: plan.ID,
					ProductCode: chancery.DefaultProduct, Names: chancery.Names{chancery.Name(fmt.Sprintf("host%d.example.test", i))},
					Method: chancery.DNS, ResourceGroup: chancery.DefaultResourceGroup, Tags: tags(i), CreatedAt: env.Clock.Now(), Version: 1,
					State: []chancery.State{chancery.Issued, chancery.Payed, chancery.Process}[i%3],
				}
				if i%(orders/20) == 0 {
					o.ResourceGroup = "rg-seldom"
				}
				if o.State == chancery.Issued {
					certificate := chancery.NewCertificate(&o, nil, c.Parsed, chancery.NewSecret([]byte(c.Key)), env.Clock.Now())
					certificate.ID = chancery.CertificateID(i + 1) // among so many, two drawn ones may be the same
					certificate.PEM = c.Full()
					certificate.NotAfter = certificate.NotAfter.Add(time.Duration(i%60) * 24 * time.Hour)
					o.CertificateID, o.IssuedAt = certificate.ID, env.Clock.Now()
					some = filled{o.ID, certificate.ID}
					if err := tx.AddCertificate(certificate); err != nil {
						return err
					}
				}
				if err := tx.AddOrder(o); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return some
}
