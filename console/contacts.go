package console

import (
	"encoding/json"
	"strconv"
	"strings"

	"chancery/cas"
)

type contactsData struct {
	*cas.ListContactOutput
	Filter    *form
	MayCreate bool
	Paging    paging
}

func listContacts(p *page) error {
	f := p.form()
	list, err := call[cas.ListContactOutput](p, "ListContact", cas.ListContactInput{Keyword: strings.TrimSpace(f.Get("q")), CurrentPage: p.pageNumber(), ShowSize: pageSize})
	if err != nil {
		return err
	}
	return p.render("contacts", contactsData{list, f, p.mayDo("yundun-cert:CreateContact"), p.paging(list.TotalCount)})
}

// contactForm is the form of a contact, new or not.
type contactForm struct {
	Form      *form
	ID        int64 // 0: it is new
	Name      string
	MayDelete bool
}

// contactFields are the parameters that the form has.
var contactFields = []string{"Name", "Mobile", "Email", "Idcard", "Webhooks"}

func showNewContact(p *page) error { return p.render("contact", contactForm{Form: p.form()}) }

func createContact(p *page) error {
	_, err := call[cas.ContactIDOutput](p, "CreateContact", cas.CreateContactInput{
		Name: trimmed(p, "Name"), Mobile: trimmed(p, "Mobile"), Email: trimmed(p, "Email"), Idcard: trimmed(p, "Idcard"), Webhooks: webhooksIn(p.form().Get("Webhooks")),
	})
	if err != nil {
		f := p.form()
		if err := p.refuse(f, err, contactFields...); err != nil {
			return err
		}
		return p.render("contact", contactForm{Form: f})
	}
	p.flash("contacts.made")
	return p.redirect("contacts")
}

// webhooksIn writes URLs, one a line, as the list that the API takes.
func webhooksIn(text string) string {
	urls := strings.Fields(text)
	if len(urls) == 0 {
		return ""
	}
	list, _ := json.Marshal(urls) // of texts
	return string(list)
}

func (p *page) contact() (*cas.ContactDetail, error) {
	id, err := p.pathID()
	if err != nil {
		return nil, err
	}
	return call[cas.ContactDetail](p, "GetContact", cas.GetContactInput{ContactId: id})
}

func showContact(p *page) error {
	c, err := p.contact()
	if err != nil {
		return err
	}
	f := p.form()
	f.values = func(name string) string {
		return map[string]string{"Name": c.Name, "Mobile": c.Mobile, "Email": c.Email, "Idcard": c.IdCard, "Webhooks": strings.Join(c.WebhookList, "\n")}[name]
	}
	return p.renderContact(c, f)
}

func (p *page) renderContact(c *cas.ContactDetail, f *form) error {
	return p.render("contact", contactForm{f, c.ContactId, c.Name, p.allows("DeleteContact", "contact", c.ContactId)})
}

func updateContact(p *page) error {
	c, err := p.contact()
	if err != nil {
		return err
	}
	f := p.form()
	webhooks := webhooksIn(f.Get("Webhooks"))
	if webhooks == "" && len(c.WebhookList) > 0 {
		webhooks = "[]"
	}
	_, err = call[cas.ContactIDOutput](p, "UpdateContact", cas.UpdateContactInput{
		ContactId: c.ContactId, Name: trimmed(p, "Name"), Mobile: trimmed(p, "Mobile"), Email: trimmed(p, "Email"), Idcard: trimmed(p, "Idcard"), Webhooks: webhooks,
	})
	if err != nil {
		if err := p.refuse(f, err, contactFields...); err != nil {
			return err
		}
		return p.renderContact(c, f)
	}
	p.flash("contacts.changed")
	return p.redirect("contacts")
}

func (p *page) contactDeletion(c *cas.ContactDetail, f *form) error {
	at := Root + "contacts/" + strconv.FormatInt(c.ContactId, 10)
	return p.render("question", question{
		Form: f, Title: p.t("contacts.delete"), About: c.Name, Text: p.t("contacts.deleteText"), Do: p.t("contacts.deleteDo"), Post: at + "/delete", Back: at,
	})
}

func showContactDeletion(p *page) error {
	c, err := p.contact()
	if err != nil {
		return err
	}
	return p.contactDeletion(c, p.form())
}

func deleteContact(p *page) error {
	c, err := p.contact()
	if err != nil {
		return err
	}
	if _, err := call[cas.Done](p, "DeleteContact", cas.ContactInput{ContactId: c.ContactId}); err != nil {
		f := p.form()
		if err := p.refuse(f, err); err != nil {
			return err
		}
		return p.contactDeletion(c, f)
	}
	p.flash("contacts.deleted", c.Name)
	return p.redirect("contacts")
}
