package console

import (
	"errors"
	"time"

	"chancery"
	"chancery/admin"
)

type issuersData struct {
	Authorities       []admin.Authority
	AuthoritiesDenied bool
	Issuers           []admin.Issuer
	IssuersDenied     bool
	Now               time.Time
	MayTest           bool
	// Tested is what a test has found, Failed why it did not go well.
	Tested     *admin.Inspection
	TestedName string
	Failed     string
}

func listIssuers(p *page) error { return p.issuers(issuersData{}) }

func (p *page) issuers(data issuersData) (err error) {
	data.Now, data.MayTest = p.console.Clock.Now(), p.mayDo("chancery:issuer.test")
	data.AuthoritiesDenied, err = partly(p.instruct("authority.list", admin.Nothing{}, &data.Authorities))
	if err != nil {
		return err
	}
	data.IssuersDenied, err = partly(p.instruct("issuer.list", admin.Nothing{}, &data.Issuers))
	if err != nil {
		return err
	}
	return p.render("issuers", data)
}

// testIssuer asks a CA; the answer is the page with what came of it.
func testIssuer(p *page) error {
	name := p.r.PathValue("name")
	var found admin.Inspection
	err := p.instruct("issuer.test", admin.IssuerName{Name: name}, &found)
	var public *chancery.Error
	switch {
	case err == nil:
		return p.issuers(issuersData{Tested: &found, TestedName: name})
	case denied(err) || !errors.As(err, &public):
		return err
	}
	return p.issuers(issuersData{TestedName: name, Failed: public.Message})
}
