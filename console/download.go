package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"chancery"
	"chancery/cas"
	"chancery/console/bundle"
)

// send answers with a file to be saved. That it is not kept anywhere on the way stands
// in every answer's headers.
func (p *page) send(file bundle.File) error {
	p.w.Header().Set("Content-Type", file.Kind)
	p.w.Header().Set("Content-Disposition", `attachment; filename="`+file.Name+`"`) // of safe characters, see bundle.FileName
	p.w.Header().Set("Content-Length", strconv.Itoa(len(file.Body)))
	_, _ = p.w.Write(file.Body) // who went away is not told
	return nil
}

// bundleOf is what there is to download of a certificate, without its key.
func (p *page) bundleOf(story *cas.CertificateStory) (bundle.Bundle, error) {
	b := bundle.Bundle{Name: fileName(story), At: p.console.Clock.Now()}
	if story.SM2 {
		return b, nil
	}
	var err error
	b.Chain, err = bundle.Chain(story.PEM, story.Sha2)
	return b, err
}

func fileName(story *cas.CertificateStory) string {
	if names := namesOf(story); story.Common == "" && len(names) > 0 {
		return bundle.FileName(names[0])
	}
	return bundle.FileName(story.Common)
}

// downloadCertificate gives a form without the key.
func downloadCertificate(p *page) error {
	story, err := p.story()
	if err != nil {
		return err
	}
	format := bundle.Format(p.r.URL.Query().Get("format"))
	if !slices.Contains(bundle.Public, format) || story.SM2 {
		return chancery.Errorf(chancery.NotFound, "NotFound: %s", p.t("download.noFormat"))
	}
	b, err := p.bundleOf(story)
	if err != nil {
		return err
	}
	file, err := b.Write(format, chancery.Secret{})
	if errors.Is(err, bundle.ErrNoChain) {
		return chancery.Errorf(chancery.NotFound, "NotFound: %s", p.t("download.noFormat"))
	}
	if err != nil {
		return err
	}
	return p.send(file)
}

// keyDownload is the page from which a form with the key is downloaded.
type keyDownload struct {
	Form    *form
	Title   string // of what it is
	Format  bundle.Format
	Snippet string // of a server's configuration
	Proof   proof
	Post    string
	Back    string
}

// keyPage finds out what is to be downloaded, and whether there is any use in asking.
func (p *page) keyPage(f *form) (*cas.CertificateStory, keyDownload, error) {
	story, err := p.story()
	if err != nil {
		return nil, keyDownload{}, err
	}
	format := bundle.Format(f.Get("format"))
	switch {
	case !slices.Contains(offered(story), format):
		return nil, keyDownload{}, chancery.Errorf(chancery.NotFound, "NotFound: %s", p.t("download.noFormat"))
	case !story.HasKey:
		return nil, keyDownload{}, chancery.Errorf(chancery.NotFound, "NotFound: %s", p.t("download.noKey"))
	case !p.mayReadKey(story):
		return nil, keyDownload{}, p.keyDenied()
	}
	b, err := p.bundleOf(story)
	if err != nil {
		return nil, keyDownload{}, err
	}
	at := Root + "certificates/" + strconv.FormatInt(story.Id, 10)
	data := keyDownload{Form: f, Title: story.Common, Format: format, Post: at + "/key", Back: at}
	if !story.SM2 {
		data.Snippet = b.Snippet(format)
	}
	data.Proof, err = p.proof(f)
	return story, data, err
}

func (p *page) keyDenied() error {
	return chancery.Errorf("Forbidden.RAM", "%s may not do yundun-cert:%s", p.visitor.Principal.ARN(), chancery.ReadPrivateKey)
}

func showKeyDownload(p *page) error {
	_, data, err := p.keyPage(p.form())
	if err != nil {
		return err
	}
	return p.render("key-download", data)
}

// confirmed takes the proof that the page asked for, and leads back to it: its form must
// be of the session that the proof has begun.
func (p *page) confirmed(data keyDownload) error {
	if err := p.proveAgain(data.Proof); err != nil {
		return err
	}
	if !data.Form.OK() {
		return p.render("key-download", data)
	}
	p.flash("confirm.done")
	return p.redirect("%s?%s", strings.TrimPrefix(data.Post, Root), url.Values{"format": {string(data.Format)}}.Encode())
}

// downloadKey gives a form with the key to who has proved just before who they are. The call of the API that reads the key leaves its line, and takes the key out for whom the
// policies do not give it.
func downloadKey(p *page) error {
	f := p.form()
	story, data, err := p.keyPage(f)
	if err != nil {
		return err
	}
	if data.Proof.Needed {
		return p.confirmed(data)
	}
	password := chancery.NewSecret([]byte(p.r.PostFormValue("Password")))
	if data.Format.NeedsPassword() {
		switch {
		case bundle.CheckPassword(password) != nil:
			f.Wrong("Password", p.t("download.passwordRule", bundle.MinPassword, bundle.MaxPassword))
		case p.r.PostFormValue("Again") != p.r.PostFormValue("Password"):
			f.Wrong("Again", p.t("download.passwordsDiffer"))
		}
		if !f.OK() {
			p.status = http.StatusUnprocessableEntity
			return p.render("key-download", data)
		}
	}
	detail, err := call[cas.GetUserCertificateDetailOutput](p, "GetUserCertificateDetail", cas.GetUserCertificateDetailInput{CertId: story.Id})
	if err != nil {
		return err
	}
	if !detail.RevealsKey() {
		return p.keyDenied()
	}
	b, err := p.bundleOf(story)
	if err != nil {
		return err
	}
	var file bundle.File
	if story.SM2 {
		file, err = sm2Zip(b, detail)
	} else {
		b.Key = chancery.NewSecret([]byte(detail.Key))
		file, err = b.Write(data.Format, password)
	}
	if err != nil {
		return err
	}
	return p.send(file)
}

// sm2Zip has the two pairs of an SM2 upload, as they were sent.
func sm2Zip(b bundle.Bundle, detail *cas.GetUserCertificateDetailOutput) (bundle.File, error) {
	const kind = "application/x-pem-file"
	return bundle.Zip(b.Name+".sm2.zip", b.At, []bundle.File{
		{Name: b.Name + ".sign.pem", Kind: kind, Body: []byte(detail.SignCert)},
		{Name: b.Name + ".sign.key", Kind: kind, Body: []byte(detail.SignPrivateKey)},
		{Name: b.Name + ".encrypt.pem", Kind: kind, Body: []byte(detail.EncryptCert)},
		{Name: b.Name + ".encrypt.key", Kind: kind, Body: []byte(detail.EncryptPrivateKey)},
	})
}
