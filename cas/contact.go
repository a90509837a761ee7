package cas

import (
	"strconv"

	"chancery"
)

// ContactInput names a contact.
type ContactInput struct {
	// The contact, as CreateContact answered it.
	ContactId int64 `api:"required"`
}

// Resource names what the call is about, for the log.
func (in *ContactInput) Resource() string { return contactResource(in.ContactId) }

// ContactIDOutput answers with the id of a contact.
type ContactIDOutput struct {
	// The contact, for GetContact and the like.
	ContactId int64
}

// Resource names what the call made, for the log.
func (o *ContactIDOutput) Resource() string { return contactResource(o.ContactId) }

func contactResource(id int64) string { return "contact/" + strconv.FormatInt(id, 10) }

// ContactDetail is what is told of a contact.
type ContactDetail struct {
	// The contact.
	ContactId int64
	// The person's name.
	Name string
	// The e-mail address, perhaps empty.
	Email string
	// 1 if there is an e-mail address, else 0. Nothing checks it.
	EmailStatus int64
	// The mobile number.
	Mobile string
	// 1 if there is a mobile number, else 0. Nothing checks it.
	MobileStatus int64
	// The number of an identity document; only from GetContact.
	IdCard string `json:",omitempty" xml:",omitempty"`
	// The webhooks as they were sent, a JSON list; perhaps empty.
	Webhooks string
	// The entries of that list.
	WebhookList []string
}

func contactDetail(c chancery.Contact) ContactDetail {
	webhooks, err := c.WebhookList()
	if err != nil {
		webhooks = []string{} // it was checked when it came in
	}
	return ContactDetail{
		ContactId: c.ID, Name: c.Name, Email: c.Email, EmailStatus: given(c.Email), Mobile: c.Mobile, MobileStatus: given(c.Mobile),
		Webhooks: c.Webhooks, WebhookList: webhooks,
	}
}

func given(text string) int64 {
	if text == "" {
		return 0
	}
	return 1
}
