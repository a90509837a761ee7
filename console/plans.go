package console

import (
	"time"

	"chancery"
	"chancery/cas"
)

// plansData is what an account may apply for, and where it went.
type plansData struct {
	Holdings *cas.Holdings
	Ledger   section[cas.Ledger]
	Now      time.Time
	Paging   paging
	Names    map[string]string // of products
}

// Left is how many units can still be taken from a plan.
func (d plansData) Left(plan chancery.Plan) int64 {
	if plan.Expired(d.Now) {
		return 0
	}
	return plan.Total - plan.Used
}

func plans(p *page) error {
	holdings, err := call[cas.Holdings](p, "Holdings", cas.Nothing{})
	if err != nil {
		return err
	}
	ledger, err := sectionOf[cas.Ledger](p, "Ledger", cas.LedgerInput{CurrentPage: p.pageNumber(), ShowSize: pageSize})
	if err != nil {
		return err
	}
	data := plansData{Holdings: holdings, Ledger: ledger, Now: p.console.Clock.Now(), Names: map[string]string{}}
	for _, h := range holdings.Products {
		data.Names[h.Product.Code] = h.Product.Name
	}
	if !ledger.Denied {
		data.Paging = p.paging(ledger.Got.Total)
	}
	return p.render("plans", data)
}
