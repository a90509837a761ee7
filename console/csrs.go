package console

import (
	"strconv"
	"strings"

	"chancery"
	"chancery/cas"
	"chancery/console/bundle"
)

type csrsData struct {
	*cas.ListCsrOutput
	Filter               *form
	Filtered             bool
	MayCreate, MayUpload bool
	Paging               paging
}

func listCSRs(p *page) error {
	f := p.form()
	in := cas.ListCsrInput{KeyWord: strings.TrimSpace(f.Get("q")), Algorithm: f.Get("algorithm"), CurrentPage: p.pageNumber(), ShowSize: pageSize}
	list, err := call[cas.ListCsrOutput](p, "ListCsr", in)
	if err != nil {
		return err
	}
	return p.render("csrs", csrsData{
		ListCsrOutput: list, Filter: f, Filtered: in.KeyWord+in.Algorithm != "", Paging: p.paging(list.TotalCount),
		MayCreate: p.mayDo("yundun-cert:CreateCsr"), MayUpload: p.mayDo("yundun-cert:UploadCsr"),
	})
}

// csrForm is a form about a CSR that is not there yet.
type csrForm struct {
	Form *form
	Keys []keyChoice
}

// keyChoice is a kind of key to be made.
type keyChoice struct{ Value, Label string }

var keyChoices = []keyChoice{{"ECC-256", "ECDSA P-256"}, {"RSA-2048", "RSA 2048"}, {"RSA-3072", "RSA 3072"}, {"RSA-4096", "RSA 4096"}}

func showCSRCreation(p *page) error { return p.render("csr-create", csrForm{p.form(), keyChoices}) }

func createCSR(p *page) error {
	f := p.form()
	algorithm, size, _ := strings.Cut(f.Get("KeyKind"), "-")
	bits, _ := strconv.ParseInt(size, 10, 64) // 0 is refused by the call
	made, err := call[cas.CreateCsrOutput](p, "CreateCsr", cas.CreateCsrInput{
		Algorithm: algorithm, KeySize: bits, CommonName: trimmed(p, "CommonName"), Sans: listed(f.Get("Sans")),
		CountryCode: trimmed(p, "CountryCode"), Province: trimmed(p, "Province"), Locality: trimmed(p, "Locality"),
		CorpName: trimmed(p, "CorpName"), Department: trimmed(p, "Department"), Name: trimmed(p, "Name"),
	})
	if err != nil {
		if err := p.refuse(f, err, "CommonName", "Sans", "CountryCode", "Province", "Locality", "CorpName", "Department", "Name"); err != nil {
			return err
		}
		return p.render("csr-create", csrForm{f, keyChoices})
	}
	p.flash("csrs.ready")
	return p.redirect("csrs/%d", made.CsrId)
}

// listed puts names that were written one a line, or with commas, behind each other.
func listed(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' }), ",")
}

func showCSRUpload(p *page) error { return p.render("csr-upload", csrForm{Form: p.form()}) }

func uploadCSR(p *page) error {
	f := p.form()
	made, err := call[cas.CSROutput](p, "UploadCsr", cas.UploadCsrInput{Csr: p.textOrFile("Csr"), Key: p.textOrFile("Key"), Name: trimmed(p, "Name")})
	if err != nil {
		if err := p.refuse(f, err, "Csr", "Key", "Name"); err != nil {
			return err
		}
		return p.render("csr-upload", csrForm{Form: f})
	}
	p.flash("csrs.uploaded")
	return p.redirect("csrs/%d", made.CsrId)
}

// csrData is the page of a CSR.
type csrData struct {
	*cas.CSRStory
	Form                      *form // of its key
	Names                     []string
	MayRead, MayAdd, MayApply bool
	MayDelete                 bool
}

func (p *page) csr() (*cas.CSRStory, error) {
	id, err := p.pathID()
	if err != nil {
		return nil, err
	}
	return call[cas.CSRStory](p, "CSRStory", cas.CSRInput{CsrId: id})
}

func (p *page) renderCSR(story *cas.CSRStory, f *form) error {
	data := csrData{
		CSRStory: story, Form: f, MayRead: p.mayReadCSRKey(story), MayAdd: p.allows("UpdateCsr", "csr", story.CsrId),
		MayDelete: p.allows("DeleteCsr", "csr", story.CsrId),
	}
	for name := range strings.SplitSeq(story.Sans, ",") {
		if name != "" {
			data.Names = append(data.Names, name)
		}
	}
	return p.render("csr", data)
}

// mayReadCSRKey tells whether the policies give the key, which belongs to the CSR and to
// all that was made with it.
func (p *page) mayReadCSRKey(story *cas.CSRStory) bool {
	names := []string{"csr/" + strconv.FormatInt(story.CsrId, 10)}
	for order, certificate := range story.Orders {
		names = append(names, "order/"+strconv.FormatInt(int64(order), 10))
		if certificate != 0 {
			names = append(names, "certificate/"+strconv.FormatInt(int64(certificate), 10))
		}
	}
	return p.may.Allow("yundun-cert:"+chancery.ReadPrivateKey, names...)
}

func showCSR(p *page) error {
	story, err := p.csr()
	if err != nil {
		return err
	}
	return p.renderCSR(story, p.form())
}

func addCSRKey(p *page) error {
	story, err := p.csr()
	if err != nil {
		return err
	}
	if _, err := call[cas.Done](p, "UpdateCsr", cas.UpdateCsrInput{CsrId: story.CsrId, Key: p.textOrFile("Key")}); err != nil {
		f := p.form()
		if err := p.refuse(f, err, "Key"); err != nil {
			return err
		}
		return p.renderCSR(story, f)
	}
	p.flash("csrs.keyAdded")
	return p.redirect("csrs/%d", story.CsrId)
}

func downloadCSR(p *page) error {
	story, err := p.csr()
	if err != nil {
		return err
	}
	return p.send(bundle.File{Name: bundle.FileName(story.Name) + ".csr", Kind: "application/x-pem-file", Body: []byte(story.PEM)})
}

// csrKeyPage is keyPage for the key of a CSR.
func (p *page) csrKeyPage(f *form) (*cas.CSRStory, keyDownload, error) {
	story, err := p.csr()
	if err != nil {
		return nil, keyDownload{}, err
	}
	switch {
	case !story.HasPrivateKey:
		return nil, keyDownload{}, chancery.Errorf(chancery.NotFound, "NotFound: %s", p.t("download.noKey"))
	case !p.mayReadCSRKey(story):
		return nil, keyDownload{}, p.keyDenied()
	}
	at := Root + "csrs/" + strconv.FormatInt(story.CsrId, 10)
	data := keyDownload{Form: f, Title: story.Name, Format: "key", Post: at + "/key", Back: at}
	data.Proof, err = p.proof(f)
	return story, data, err
}

func showCSRKey(p *page) error {
	_, data, err := p.csrKeyPage(p.form())
	if err != nil {
		return err
	}
	return p.render("key-download", data)
}

func downloadCSRKey(p *page) error {
	f := p.form()
	story, data, err := p.csrKeyPage(f)
	if err != nil {
		return err
	}
	if data.Proof.Needed {
		return p.confirmed(data)
	}
	detail, err := call[cas.GetCsrDetailOutput](p, "GetCsrDetail", cas.CSRInput{CsrId: story.CsrId})
	if err != nil {
		return err
	}
	if !detail.RevealsKey() {
		return p.keyDenied()
	}
	return p.send(bundle.File{Name: bundle.FileName(story.Name) + ".key", Kind: "application/x-pem-file", Body: []byte(detail.PrivateKey)})
}

func (p *page) csrDeletion(story *cas.CSRStory, f *form) error {
	at := Root + "csrs/" + strconv.FormatInt(story.CsrId, 10)
	return p.render("question", question{
		Form: f, Title: p.t("csrs.delete"), About: story.Name, Text: p.t("csrs.deleteText"), Do: p.t("csrs.deleteDo"), Post: at + "/delete", Back: at,
	})
}

func showCSRDeletion(p *page) error {
	story, err := p.csr()
	if err != nil {
		return err
	}
	return p.csrDeletion(story, p.form())
}

func deleteCSR(p *page) error {
	story, err := p.csr()
	if err != nil {
		return err
	}
	if _, err := call[cas.Done](p, "DeleteCsr", cas.CSRInput{CsrId: story.CsrId}); err != nil {
		f := p.form()
		if err := p.refuse(f, err); err != nil {
			return err
		}
		return p.csrDeletion(story, f)
	}
	p.flash("csrs.deleted", story.Name)
	return p.redirect("csrs")
}
