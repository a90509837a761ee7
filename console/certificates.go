package console

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chancery"
	"chancery/cas"
)

// certificatesData is the list of certificates.
type certificatesData struct {
	*cas.Certificates
	Filter    *form
	Tag       tagFilter
	Statuses  []string
	Days      []int64
	MayUpload bool
	Filtered  bool // something is asked for that an account without certificates has not either
	Paging    paging
	Now       time.Time
}

// daysLeft are the times that the list can be narrowed to.
var daysLeft = []int64{7, 14, 30, 60, 90}

func listCertificates(p *page) error {
	f, tag := p.form(), p.tagFilter()
	days, _ := strconv.ParseInt(f.Get("days"), 10, 32) // 0 for none
	status := f.Get("status")
	found, err := call[cas.Certificates](p, "Certificates", cas.CertificatesInput{
		Status: status, Origin: f.Get("origin"), Days: max(0, days), Keyword: strings.TrimSpace(f.Get("q")), ResourceGroupId: f.Get("group"),
		TagKey: tag.Key, TagValue: tag.Value, Newest: f.Get("sort") == "newest", CurrentPage: p.pageNumber(), ShowSize: pageSize,
	})
	if err != nil {
		return err
	}
	return p.render("certificates", certificatesData{
		Certificates: found, Filter: f, Tag: tag, Statuses: []string{"ISSUED", "WILLEXPIRED", "EXPIRED", "REVOKED"}, Days: daysLeft,
		MayUpload: p.mayDo("yundun-cert:UploadUserCertificate"), Paging: p.paging(found.Total), Now: p.console.Clock.Now(),
		Filtered: status != "" || days > 0 || f.Get("q")+f.Get("origin")+f.Get("group")+tag.Key != "",
	})
}

// DaysLeft is how many whole days a row's certificate still has; below 0: it ended.
func (d certificatesData) DaysLeft(end int64) int { return wholeDays(time.UnixMilli(end).Sub(d.Now)) }

func wholeDays(d time.Duration) int {
	const day = 24 * time.Hour
	return int(d / day)
}

// story reads the certificate that the path names.
func (p *page) story() (*cas.CertificateStory, error) {
	id, err := p.pathID()
	if err != nil {
		return nil, err
	}
	return call[cas.CertificateStory](p, "CertificateStory", cas.CertificateInput{CertId: id})
}

// changeForm is the form of what an account may change of a certificate.
type changeForm struct {
	Form  *form
	Story *cas.CertificateStory
}

func showChange(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	f := p.form()
	f.values = func(name string) string {
		switch name {
		case "Name":
			return story.Name
		case "ResourceGroupId":
			return story.ResourceGroupId
		case "Tags":
			return tagLines(story.Tags)
		}
		return ""
	}
	return p.render("certificate-change", changeForm{f, story})
}

func changeCertificate(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	f := p.form()
	in := cas.CreateCertificateNameInput{CertificateId: story.Id, Name: strings.TrimSpace(f.Get("Name")), ResourceGroupId: strings.TrimSpace(f.Get("ResourceGroupId"))}
	if in.Tags = tagsIn(f.Get("Tags")); len(in.Tags) == 0 && len(story.Tags) > 0 {
		p.status = http.StatusUnprocessableEntity
		f.Wrong("Tags", p.t("certificates.tagsStay"))
		return p.render("certificate-change", changeForm{f, story})
	}
	if _, err := call[cas.Done](p, "CreateCertificateName", in); err != nil {
		if err := p.refuse(f, err, "Name", "ResourceGroupId", "Tags"); err != nil {
			return err
		}
		return p.render("certificate-change", changeForm{f, story})
	}
	p.flash("certificates.changed")
	return p.redirect("certificates/%d", story.Id)
}

// tagLines writes labels as a form has them: one a line, key=value.
func tagLines(tags []cas.TagPair) string {
	lines := make([]string, len(tags))
	for i, tag := range tags {
		lines[i] = tag.TagKey + "=" + tag.TagValue
	}
	return strings.Join(lines, "\n")
}

// tagsIn reads what tagLines wrote.
func tagsIn(text string) (tags []cas.Tag) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			key, value, _ := strings.Cut(line, "=")
			tags = append(tags, cas.Tag{Key: strings.TrimSpace(key), Value: strings.TrimSpace(value)})
		}
	}
	return tags
}

// uploadForm is the form of an upload. Keys are never written back into it.
type uploadForm struct{ Form *form }

func showUpload(p *page) error { return p.render("certificate-upload", uploadForm{p.form()}) }

func uploadCertificate(p *page) error {
	f := p.form()
	in := cas.UploadUserCertificateInput{
		Name: strings.TrimSpace(f.Get("Name")), Cert: p.textOrFile("Cert"), Key: p.textOrFile("Key"),
		ResourceGroupId: strings.TrimSpace(f.Get("ResourceGroupId")), Tags: tagsIn(f.Get("Tags")),
	}
	made, err := call[cas.UploadUserCertificateOutput](p, "UploadUserCertificate", in)
	if err != nil {
		if err := p.refuse(f, err, "Name", "Cert", "Key", "ResourceGroupId", "Tags"); err != nil {
			return err
		}
		return p.render("certificate-upload", uploadForm{f})
	}
	p.flash("certificates.uploaded")
	return p.redirect("certificates/%d", made.CertId)
}

// textOrFile is what a field of text holds, or else the file that was chosen beside it,
// whose field is named <name>File.
func (p *page) textOrFile(name string) string {
	if text := strings.TrimSpace(p.r.PostFormValue(name)); text != "" {
		return text + "\n"
	}
	if p.r.MultipartForm == nil {
		return ""
	}
	file, _, err := p.r.FormFile(name + "File")
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(file)
	if err != nil {
		return ""
	}
	return string(text)
}

// renewal is the question whether a certificate is to be renewed.
func (p *page) renewal(story *cas.CertificateStory, f *form) error {
	at := Root + "certificates/" + strconv.FormatInt(story.Id, 10)
	return p.render("question", question{
		Form: f, Title: p.t("certificates.renew"), About: story.Common, Text: p.t("certificates.renewText"),
		Do: p.t("certificates.renewDo"), Post: at + "/renew", Back: at,
	})
}

func showRenewal(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	return p.renewal(story, p.form())
}

func renewCertificate(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	made, err := call[cas.CreateOutput](p, "RenewCertificateOrderForPackageRequest", cas.RenewCertificateOrderForPackageRequestInput{OrderId: story.OrderId})
	if err != nil {
		f := p.form()
		if err := p.refuse(f, err); err != nil {
			return err
		}
		return p.renewal(story, f)
	}
	p.flash("certificates.renewed")
	return p.redirect("orders/%d", made.OrderId)
}

// reasons are those that an owner gives for a revocation, the likeliest first.
var reasons = []chancery.Reason{
	chancery.Unspecified, chancery.KeyCompromise, chancery.Superseded, chancery.CessationOfOperation, chancery.AffiliationChanged, chancery.PrivilegeWithdrawn,
}

type revocationForm struct {
	Form    *form
	Story   *cas.CertificateStory
	Reasons []chancery.Reason
}

func showRevocation(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	return p.render("certificate-revoke", revocationForm{p.form(), story, reasons})
}

func revokeCertificate(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	f := p.form()
	if f.Get("Sure") != "yes" {
		p.status = http.StatusUnprocessableEntity
		f.Wrong("Sure", p.t("certificates.revokeSay"))
		return p.render("certificate-revoke", revocationForm{f, story, reasons})
	}
	_, err = call[cas.Done](p, "CancelCertificateForPackageRequest", cas.CancelCertificateForPackageRequestInput{OrderId: story.OrderId, Reason: f.Get("Reason")})
	if err != nil {
		if err := p.refuse(f, err, "Reason"); err != nil {
			return err
		}
		return p.render("certificate-revoke", revocationForm{f, story, reasons})
	}
	p.flash("certificates.revoked")
	return p.redirect("certificates/%d", story.Id)
}

func (p *page) certificateDeletion(story *cas.CertificateStory, f *form) error {
	at := Root + "certificates/" + strconv.FormatInt(story.Id, 10)
	text := p.t("certificates.deleteText")
	if story.OrderId != 0 {
		text = p.t("certificates.deleteIssuedText")
	}
	return p.render("question", question{
		Form: f, Title: p.t("certificates.delete"), About: story.Name, Text: text, Do: p.t("certificates.deleteDo"), Post: at + "/delete", Back: at,
	})
}

func showCertificateDeletion(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	return p.certificateDeletion(story, p.form())
}

func deleteCertificate(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	if _, err := call[cas.Done](p, "DeleteUserCertificate", cas.CertificateInput{CertId: story.Id}); err != nil {
		f := p.form()
		if err := p.refuse(f, err); err != nil {
			return err
		}
		return p.certificateDeletion(story, f)
	}
	p.flash("certificates.deleted", story.Name)
	return p.redirect("certificates")
}

// listResourceGroups shows the resource groups in use.
func listResourceGroups(p *page) error {
	groups, err := call[cas.ResourceGroups](p, "ResourceGroups", cas.Nothing{})
	if err != nil {
		return err
	}
	return p.render("resource-groups", groups)
}
