package chancery

import (
	"cmp"
	"encoding/json"
	"net/mail"
	"strings"
	"time"
)

// Contact is a person whom an account names for its applications.
type Contact struct {
	ID        int64
	AccountID AccountID
	Name      string
	Email     string
	Mobile    string
	IDCard    string
	Webhooks  string // JSON text, as it was sent
	CreatedAt time.Time
}

// Limits of what is told of people and companies.
const (
	maxContactChars = 256
	maxIDCardChars  = 64
	maxMailBytes    = 254 // of an address, RFC 5321 section 4.5.3.1.3 less the brackets
	maxWebhooks     = 4 << 10
)

// Check refuses a contact with text that nobody could read, a mobile number that
// CheckMobile refuses, an e-mail address that is none, and webhooks that are not
// a JSON list.
func (c *Contact) Check() error {
	_, err := c.WebhookList()
	return cmp.Or(
		CheckText("Name", c.Name, maxContactChars),
		CheckMobile(c.Mobile),
		checkEmail("Email", c.Email),
		CheckText("Idcard", c.IDCard, maxIDCardChars),
		err,
	)
}

const maxMobileChars = 32

// CheckMobile takes 1 to 32 digits and what people write between them; the
// masked numbers of the API's own samples (1390000****) are fine.
func CheckMobile(number string) error {
	if len(number) > maxMobileChars || !strings.ContainsAny(number, "0123456789") || strings.Trim(number, "0123456789+- *()") != "" {
		return Errorf(MobileIllegal, "Mobile: has no digit, more than %d characters, or others than digits, blanks, +, -, * and parentheses", maxMobileChars)
	}
	return nil
}

func checkEmail(parameter, text string) error {
	if text == "" {
		return nil
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || len(text) > maxMailBytes {
		return Errorf(InvalidParameter, "%s: not an e-mail address such as username@example.com", parameter)
	}
	return CheckText(parameter, text, maxMailBytes)
}

// WebhookList is what stands in Webhooks: the texts as they are, anything else as
// JSON. It is never nil.
func (c *Contact) WebhookList() ([]string, error) {
	list := []string{}
	if c.Webhooks == "" {
		return list, nil
	}
	if len(c.Webhooks) > maxWebhooks {
		return nil, Errorf(InvalidParameter, "Webhooks: more than %d bytes", maxWebhooks)
	}
	var entries []json.RawMessage
	if err := json.Unmarshal([]byte(c.Webhooks), &entries); err != nil {
		return nil, Errorf(InvalidParameter, `Webhooks: not a JSON list such as ["https://hook.example.com/a"]`)
	}
	for _, entry := range entries {
		var text string
		if json.Unmarshal(entry, &text) != nil {
			text = string(entry)
		}
		list = append(list, text)
	}
	return list, nil
}

// Company is an organisation that an account applies for.
type Company struct {
	ID         int64
	AccountID  AccountID
	Name       string
	Type       int64
	Code       string
	Phone      string
	Email      string
	Address    string
	PostCode   string
	Country    string
	Province   string
	City       string
	Department string
	Lang       string
	CreatedAt  time.Time
}

// CompanyFilter picks companies; empty fields pick all.
type CompanyFilter struct {
	ID      int64
	Keyword string // a part of name or code, in any case
}

// Limits of a company's shorter texts, and of its type, which is an int32 on the wire.
const (
	maxShortChars  = 64
	maxCompanyType = 1<<31 - 1
)

// Check refuses a company with text that nobody could read, a country that is
// not two letters, an e-mail address that is none, and a type out of range.
func (c *Company) Check() error {
	if c.Type < 1 || c.Type > maxCompanyType {
		return Errorf(InvalidParameter, "CompanyType: not a positive number of 31 bits")
	}
	return cmp.Or(
		CheckText("CompanyName", c.Name, maxContactChars),
		CheckText("CompanyCode", c.Code, maxShortChars),
		CheckText("CompanyPhone", c.Phone, maxShortChars),
		checkEmail("CompanyEmail", c.Email),
		CheckText("CompanyAddress", c.Address, maxContactChars),
		CheckText("PostCode", c.PostCode, maxShortChars),
		checkCountry(c.Country),
		CheckText("Province", c.Province, maxPlaceChars),
		CheckText("City", c.City, maxPlaceChars),
		CheckText("Department", c.Department, maxContactChars),
		CheckText("Lang", c.Lang, maxShortChars),
	)
}

// checkCountry takes the two letters of ISO 3166 in either case.
func checkCountry(code string) error {
	if len(code) != 2 || !onlyBytes(code, letter) {
		return Errorf(InvalidParameter, "CountryCode: not a country code of two letters, such as CN")
	}
	return nil
}

func letter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }
