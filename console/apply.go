package console

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"

	"chancery"
	"chancery/cas"
	"chancery/rpc"
)

// applyAction is what applying takes. The call of the package takes all that the others
// do, and several names.
const applyAction = "yundun-cert:CreateCertificateForPackageRequest"

// applyData is the form of an application, which follows its product.
type applyData struct {
	Form     *form
	Products []productChoice
	Product  chancery.Product
	// Method, CSR and Contact are what is chosen.
	Method, CSR, Contact string
	Token                string
	Contacts             section[cas.ListContactOutput]
	Companies            section[cas.ListCompaniesOutput]
	CSRs                 section[cas.ListCsrOutput]
	Checks               []check
	Ahead                *aheadShown // nil: nobody has asked
	Demo                 string      // the demonstration's zone
	NoQuota              bool        // of no product
	DomainHelp           string
}

// productChoice is a product with what is left of it.
type productChoice struct {
	chancery.Product
	Left   int64
	Known  bool // Left is
	Chosen bool
}

// check is what is to be said of the application as it stands.
type check struct {
	Kind string // good, warn or bad
	Text string
	// Link leads to what the text speaks of; empty: nowhere.
	Link, LinkText string
}

// The kinds of checks.
const (
	isGood  = "good"
	isWarn  = "warn"
	isWrong = "bad"
)

// aheadShown is what the look ahead found, or why there is nothing.
type aheadShown struct {
	Found   []chancery.Foresight
	Problem string
	Stops   bool // an application would fail
}

// The ways of having a CSR.
const (
	csrMade   = ""       // the service makes key and CSR
	csrStored = "stored" // of the CSR store
	csrOwn    = "own"    // in the form
)

func showApply(p *page) error {
	f := p.form()
	data, err := p.applyData(f)
	if err != nil {
		return err
	}
	return p.render("apply", data)
}

// apply takes the form: to apply, to look ahead, or to show what follows from it.
func apply(p *page) error {
	f := p.form()
	do, part := p.r.PostFormValue("do"), p.r.URL.Query().Get("part")
	if do == "apply" && !p.isPart() {
		order, err := p.submit(f)
		if err != nil {
			return err
		}
		if f.OK() {
			p.flash("apply.done")
			return p.redirect("orders/%d", order)
		}
	}
	data, err := p.applyData(f)
	if err != nil {
		return err
	}
	if do == "ahead" || part == "ahead" {
		data.Ahead = p.lookAhead(f, data)
	}
	return p.render("apply", data)
}

func (p *page) applyData(f *form) (*applyData, error) {
	d := &applyData{Form: f, Token: rand.Text(), CSR: f.Get("CsrFrom"), Contact: f.Get("Contact")}
	if demo := p.console.Demonstration; demo != nil {
		d.Demo = demo.Zone()
		if p.r.Method == get && f.Get("Domain") == "" {
			values := f.values
			f.values = func(name string) string {
				if name == "Domain" {
					return "shop." + d.Demo
				}
				return values(name)
			}
		}
	}
	if err := p.products(d); err != nil {
		return nil, err
	}
	d.Method = string(chancery.DNS)
	if f.Get("ValidateType") == string(chancery.FILE) && !d.Product.Wildcard {
		d.Method = string(chancery.FILE)
	}
	d.DomainHelp = p.t("apply.plainHelp", chancery.MaxNames)
	if d.Product.Wildcard {
		d.DomainHelp = p.t("apply.wildcardHelp", chancery.MaxNames)
	}
	var err error
	if d.Contacts, err = sectionOf[cas.ListContactOutput](p, "ListContact", cas.ListContactInput{ShowSize: 100}); err != nil {
		return nil, err
	}
	if d.CSRs, err = sectionOf[cas.ListCsrOutput](p, "ListCsr", cas.ListCsrInput{ShowSize: 100}); err != nil {
		return nil, err
	}
	if d.Product.Level == chancery.OV {
		if d.Companies, err = sectionOf[cas.ListCompaniesOutput](p, "ListCompanies", cas.ListCompaniesInput{ShowSize: 100}); err != nil {
			return nil, err
		}
	}
	d.Checks, err = p.checks(f, d)
	return d, err
}

// products are all of the catalogue with what is left of each, and the one chosen: by
// the form, else the first that has something left.
func (p *page) products(d *applyData) error {
	holdings, err := sectionOf[cas.Holdings](p, "Holdings", cas.Nothing{})
	if err != nil {
		return err
	}
	chosen, most := d.Form.Get("ProductCode"), int64(0)
	if _, err := p.console.Catalogue.Find(chosen); err != nil {
		chosen = ""
	}
	for _, product := range p.console.Catalogue {
		choice := productChoice{Product: product, Known: !holdings.Denied}
		if !holdings.Denied {
			for _, h := range holdings.Got.Products {
				if h.Product.Code == product.Code {
					choice.Left = h.Left
				}
			}
		}
		if chosen == "" && choice.Left > 0 {
			chosen = product.Code
		}
		most = max(most, choice.Left)
		d.Products = append(d.Products, choice)
	}
	d.NoQuota = !holdings.Denied && most == 0
	d.Product, err = p.console.Catalogue.Find(chosen)
	if err != nil { // there is no default product
		d.Product = p.console.Catalogue[0]
	}
	for i := range d.Products {
		d.Products[i].Chosen = d.Products[i].Code == d.Product.Code
	}
	return nil
}

// domains is the list of names as the operations take it: people write one a line, or
// separate them by blanks.
func domains(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return r == ',' || r == '，' || r == '、' || r == ';' || r == ' ' || r == '\n' || r == '\r' || r == '\t'
	}), ",")
}

// names are those that the application is for: of the CSR, where it has its own.
func (p *page) names(f *form) (chancery.Names, error) {
	switch f.Get("CsrFrom") {
	case csrOwn:
		_, names, err := chancery.ParseCSR(f.Get("Csr"), chancery.MaxNames)
		return names, err
	case csrStored:
		text, err := p.storedCSR(f)
		if err != nil {
			return nil, err
		}
		_, names, err := chancery.ParseCSR(text, chancery.MaxNames)
		return names, err
	}
	return chancery.ParseNames(domains(f.Get("Domain")), chancery.MaxNames)
}

func (p *page) storedCSR(f *form) (string, error) {
	id, err := strconv.ParseInt(f.Get("CsrId"), 10, 64)
	if err != nil {
		return "", chancery.Errorf(chancery.MissingParameter, "CsrId: choose a stored CSR")
	}
	stored, err := call[cas.CsrText](p, "CsrText", cas.CSRInput{CsrId: id})
	if err != nil {
		return "", err
	}
	return stored.Csr, nil
}

// checks says what is to be said before anything is sent.
func (p *page) checks(f *form, d *applyData) ([]check, error) {
	list := p.checkQuota(d.Products)
	if !begun(f) {
		return list, nil
	}
	names, err := p.names(f)
	if err == nil {
		err = d.Product.CheckNames(names)
	}
	if err == nil {
		err = checkProofs(d.Product, names, chancery.Method(orText(f.Get("ValidateType"), string(chancery.DNS))))
	}
	if err != nil {
		text, public := p.publicText(err)
		if !public {
			return nil, err
		}
		return append(list, check{Kind: isWrong, Text: text}), nil
	}
	list = append(list, check{Kind: isGood, Text: p.t("apply.namesFit", names.String(), d.Product.Name)})
	for _, name := range names {
		if shown := name.Unicode(); shown != string(name) {
			list = append(list, check{Kind: isGood, Text: p.t("apply.international", shown, string(name))})
		}
	}
	used, err := p.checkUse(names)
	return append(list, used...), err
}

func (p *page) checkQuota(products []productChoice) []check {
	for _, product := range products {
		switch {
		case !product.Chosen || !product.Known:
		case product.Left > 0:
			return []check{{Kind: isGood, Text: p.t("apply.quotaLeft", product.Left)}}
		default:
			return []check{{Kind: isWrong, Text: p.t("apply.noQuotaLeft")}}
		}
	}
	return nil
}

// begun tells whether anything was written that names could be read from.
func begun(f *form) bool {
	switch f.Get("CsrFrom") {
	case csrOwn:
		return f.Get("Csr") != ""
	case csrStored:
		return f.Get("CsrId") != ""
	}
	return domains(f.Get("Domain")) != ""
}

// checkUse names the open orders and valid certificates that have the names already.
func (p *page) checkUse(names chancery.Names) (list []check, err error) {
	use, err := sectionOf[cas.NameUse](p, "NameUse", cas.NameUseInput{Domain: names.String()})
	if err != nil || use.Denied {
		return nil, err
	}
	for _, order := range use.Got.Open {
		id := strconv.FormatInt(order.OrderId, 10)
		list = append(list, check{isWarn, p.t("apply.orderOpen", order.Domain), Root + "orders/" + id, p.t("apply.toOrder", id)})
	}
	for _, certificate := range use.Got.Valid {
		id := strconv.FormatInt(certificate.CertificateId, 10)
		list = append(list, check{isWarn, p.t("apply.certificateValid", certificate.CommonName, certificate.EndDate), Root + "certificates/" + id, p.t("apply.toCertificate", certificate.Name)})
	}
	return list, nil
}

func orText(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// checkProofs finds names that the method cannot prove.
func checkProofs(product chancery.Product, names chancery.Names, method chancery.Method) error {
	var err error
	if product.ProvesItself() {
		_, err = chancery.NewCAValidations(names, method)
	} else {
		_, err = chancery.NewValidations(names, method, chancery.SystemClock{}.Now())
	}
	return err
}

// publicText is the message of an error that callers may see, without the parameter it
// begins with.
func (p *page) publicText(err error) (text string, public bool) {
	row, message := rpc.Explain(err)
	if denied(err) || row.Status >= http.StatusInternalServerError {
		return "", false
	}
	for _, parameter := range []string{"Domain", "Csr", "CsrId", "ValidateType"} {
		if rest, ok := strings.CutPrefix(message, parameter+": "); ok {
			return p.meant(row.Code, rest), true
		}
	}
	return p.meant(row.Code, message), true
}

// lookAhead has the names looked at before quota is spent. What goes wrong with that is
// told in its place.
func (p *page) lookAhead(f *form, d *applyData) *aheadShown {
	shown := &aheadShown{}
	names, err := p.names(f)
	if err == nil {
		var ahead *cas.Ahead
		ahead, err = call[cas.Ahead](p, "Preflight", cas.PreflightInput{Domain: names.String(), ValidateType: d.Method, ProductCode: d.Product.Code})
		if err == nil {
			shown.Found = ahead.Found
		}
	}
	if err != nil {
		text, public := p.publicText(err)
		if !public {
			p.console.Log.Error("looking ahead failed", "request", p.id, "error", err.Error())
			text = p.t("apply.aheadFailed")
		}
		shown.Problem = text
	}
	for _, f := range shown.Found {
		shown.Stops = shown.Stops || f.Outcome.Stops()
	}
	return shown
}

// submit applies. What is wrong with the form stands in it afterwards.
func (p *page) submit(f *form) (order int64, err error) {
	in := cas.CreateCertificateForPackageRequestInput{
		ProductCode: f.Get("ProductCode"), ValidateType: f.Get("ValidateType"), CompanyName: f.Get("CompanyName"),
		Username: f.Get("Username"), Phone: f.Get("Phone"), Email: f.Get("Email"), ClientToken: f.Get("ClientToken"),
	}
	if in.Tags, err = tagsOf(f); err != nil {
		p.status = http.StatusUnprocessableEntity
		row, message := rpc.Explain(err)
		f.Wrong("Tags", p.meant(row.Code, message))
		return 0, nil
	}
	switch f.Get("CsrFrom") {
	case csrOwn:
		if in.Csr = strings.TrimSpace(f.Get("Csr")); in.Csr == "" {
			err = chancery.Errorf(chancery.MissingParameter, "Csr: %s", p.t("apply.csrMissing"))
		}
	case csrStored:
		in.Csr, err = p.storedCSR(f)
	default:
		if in.Domain = domains(f.Get("Domain")); in.Domain == "" {
			err = chancery.Errorf(chancery.MissingParameter, "Domain: %s", p.t("apply.domainMissing"))
		}
	}
	if err == nil {
		err = p.takeContact(f, &in)
	}
	if err == nil {
		var made *cas.CreateOutput
		if made, err = call[cas.CreateOutput](p, "CreateCertificateForPackageRequest", in); err == nil {
			return made.OrderId, nil
		}
	}
	return 0, p.refuse(f, err, "Domain", "CsrId", "Csr", "ValidateType", "ProductCode", "CompanyName", "Username", "Phone", "Email", "Tags")
}

// takeContact fills in what the chosen contact has. Without a choice the operation
// takes the newest.
func (p *page) takeContact(f *form, in *cas.CreateCertificateForPackageRequestInput) error {
	id, err := strconv.ParseInt(f.Get("Contact"), 10, 64)
	if err != nil {
		return nil //nolint:nilerr // none was chosen
	}
	contacts, err := call[cas.ListContactOutput](p, "ListContact", cas.ListContactInput{ShowSize: 100})
	if err != nil {
		return err
	}
	for _, c := range contacts.ContactList {
		if c.ContactId == id {
			in.Username, in.Phone, in.Email = orText(in.Username, c.Name), orText(in.Phone, c.Mobile), orText(in.Email, c.Email)
		}
	}
	return nil
}

// tagsOf reads labels, one a line as key=value, and the resource group, which the
// operation takes as a label.
func tagsOf(f *form) (tags []cas.Tag, err error) {
	var all []chancery.Tag
	for line := range strings.Lines(f.Get("Tags")) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		all = append(all, chancery.Tag{Key: strings.TrimSpace(key), Value: strings.TrimSpace(value)})
	}
	if err := chancery.CheckTags(all); err != nil {
		return nil, err
	}
	if group := strings.TrimSpace(f.Get("ResourceGroupId")); group != "" {
		all = append(all, chancery.Tag{Key: chancery.ResourceGroupTag, Value: group})
	}
	for _, tag := range all {
		tags = append(tags, cas.Tag(tag))
	}
	return tags, nil
}
