package e2e

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/client"
)

// However many apply at once, a plan gives what it has: 50 units, 50 orders.
func TestQuotaUnderLoad(t *testing.T) {
	t.Parallel()
	const units, applicants = 50, 200
	s := startLight(t)
	var plan admin.Plan
	s.operate(t, &plan, "plan", "grant", "--product", "single", "--count", fmt.Sprint(units))
	c := s.client(t, s.key)

	orders, errs := make([]int64, applicants), make([]error, applicants)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range applicants {
		all.Go(func() {
			<-begin
			made, err := c.CreateCertificateRequest(soon(t), cas.CreateCertificateRequestInput{
				Username: "Tom", Phone: "13900001111", Email: "ops@example.com",
				Domain: fmt.Sprintf("n%d.quota.test", i), ValidateType: "DNS", ProductCode: "single",
			})
			if errs[i] = err; err == nil {
				orders[i] = made.OrderId
			}
		})
	}
	close(begin)
	all.Wait()

	distinct, refused := map[int64]bool{}, 0
	for i, err := range errs {
		var e *client.Error
		switch {
		case err == nil:
			distinct[orders[i]] = true
		case errors.As(err, &e) && e.Code == string(chancery.NotRemainCount) && e.Status == 404:
			refused++
		default:
			t.Errorf("application %d: %v", i, err)
		}
	}
	if len(distinct) != units || refused != applicants-units {
		t.Errorf("%d orders and %d refusals, want %d and %d", len(distinct), refused, units, applicants-units)
	}
	who := tenant{Client: c}
	if got, want := who.quota(t, "single"), (quota{units, units, 0, "single"}); got != want {
		t.Errorf("quota %v, want %v", got, want)
	}
	for order := range distinct {
		if state := who.state(t, order); state.Type != string(chancery.DomainVerify) || state.RecordValue == "" {
			t.Errorf("order %d is in state %s", order, state.Type)
		}
	}
	var plans []admin.Plan
	s.operate(t, &plans, "plan", "list")
	for _, p := range plans {
		if p.ID == plan.ID && p.Used != units || p.ID != plan.ID && p.Used != 0 {
			t.Errorf("plan %d of %s has %d of %d units used", p.ID, p.ProductCode, p.Used, p.Total)
		}
	}
}
