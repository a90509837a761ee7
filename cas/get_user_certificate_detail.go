package cas

import (
	"context"
	"errors"
	"strconv"
	"time"

	"chancery"
	"chancery/sm2"
)

// GetUserCertificateDetailInput is what GetUserCertificateDetail takes.
type GetUserCertificateDetailInput struct {
	// The certificate.
	CertId int64 `api:"required"`
	// True leaves out certificates and keys.
	CertFilter bool
}

// Resource names what the call is about, for the log.
func (in *GetUserCertificateDetailInput) Resource() string { return certificateResource(in.CertId) }

// GetUserCertificateDetailOutput is what GetUserCertificateDetail answers.
type GetUserCertificateDetailOutput struct {
	// The certificate's id.
	Id int64
	// What the account calls it.
	Name string
	// Its resource id; that of its order if it was issued.
	InstanceId string
	// Id and region, as other products name the certificate.
	CertIdentifier string
	// The order it was issued for; absent for an upload.
	OrderId int64 `json:",omitempty" xml:",omitempty"`
	// True if it was issued here, false if it was uploaded.
	BuyInAliyun bool
	// RSA, ECC or SM2; empty for others.
	Algorithm string
	// The subject's common name.
	Common string
	// The alternative names, separated by commas.
	Sans string
	// The subject's organisation, often empty.
	OrgName string
	// The subject's country, often empty.
	Country string
	// The subject's province, often empty.
	Province string
	// The subject's city, often empty.
	City string
	// The issuer's organisation, or its common name.
	Issuer string
	// The serial in lower-case hex of its bytes.
	SerialNo string
	// SHA-1 of the DER, 40 upper-case hex digits.
	Fingerprint string
	// SHA-256 of the DER, 64 upper-case hex digits.
	Sha2 string
	// The same as Sha2.
	CertSha2 string
	// The first day, YYYY-MM-DD in UTC.
	StartDate string
	// The last day, YYYY-MM-DD in UTC.
	EndDate string
	// The start in Unix milliseconds.
	NotBefore int64
	// The end in Unix milliseconds.
	NotAfter int64
	// Whether it has ended.
	Expired bool
	// Where the account files it.
	ResourceGroupId string
	// The certificate and its chain in PEM, as issued or as sent.
	Cert string `json:",omitempty" xml:",omitempty"`
	// The private key in PEM, as made or as sent; absent when the service never had
	// it, or the caller may not read it.
	Key string `json:",omitempty" xml:",omitempty"`
	// SM2: the signing certificate in PEM, as sent.
	SignCert string `json:",omitempty" xml:",omitempty"`
	// SM2: its key.
	SignPrivateKey string `json:",omitempty" xml:",omitempty"`
	// SM2: the encryption certificate in PEM, as sent.
	EncryptCert string `json:",omitempty" xml:",omitempty"`
	// SM2: its key.
	EncryptPrivateKey string `json:",omitempty" xml:",omitempty"`
	// Every certificate of Cert (for SM2: of SignCert), in the order they stand.
	CertChain []ChainLink
	// Its labels.
	Tags []TagPair
}

// RevealsKey implements chancery.KeyHolder.
func (o *GetUserCertificateDetailOutput) RevealsKey() bool {
	return o.Key != "" || o.SignPrivateKey != "" || o.EncryptPrivateKey != ""
}

// KeyResources implements chancery.KeyHolder.
func (o *GetUserCertificateDetailOutput) KeyResources() []string {
	names := []string{certificateResource(o.Id)}
	if o.OrderId != 0 {
		names = append(names, orderResource(o.OrderId))
	}
	return names
}

// WithholdKey implements chancery.KeyHolder.
func (o *GetUserCertificateDetailOutput) WithholdKey() {
	o.Key, o.SignPrivateKey, o.EncryptPrivateKey = "", "", ""
}

// ChainLink is one certificate of a chain.
type ChainLink struct {
	// The subject's common name.
	CommonName string
	// The issuer's common name.
	IssuerCommonName string
	// The start in Unix milliseconds.
	NotBefore int64
	// The end in Unix milliseconds.
	NotAfter int64
	// Whole days until the end, 0 after it.
	RemainDay int64
}

// TagPair is one label as answers write it.
type TagPair struct {
	TagKey   string
	TagValue string
}

// GetUserCertificateDetail tells everything of one certificate, issued or
// uploaded, and gives certificate and private key unless CertFilter is true.
//
// Errors: MissingParameter, InvalidParameter (400); NotFound (404).
func (s *Service) GetUserCertificateDetail(ctx context.Context, caller chancery.Caller, in *GetUserCertificateDetailInput) (*GetUserCertificateDetailOutput, error) {
	var c chancery.Certificate
	err := s.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		if in.CertFilter {
			c, err = tx.Certificate(caller.AccountID, chancery.CertificateID(in.CertId))
		} else {
			c, err = tx.CertificateKeys(caller.AccountID, chancery.CertificateID(in.CertId))
		}
		if err != nil || c.OrderID == 0 || c.Key.Empty() {
			return err
		}
		o, err := tx.Order(caller.AccountID, c.OrderID)
		if err != nil {
			return err
		}
		return nameSharedKey(tx, caller, o.CSRID)
	})
	if err != nil {
		return nil, certificateError(err, in.CertId)
	}
	out := s.certificateDetail(c)
	if !in.CertFilter {
		out.Cert, out.Key = c.PEM, string(c.Key.Reveal())
		out.SignCert, out.SignPrivateKey = c.SM2.SignPEM, string(c.SM2.SignKey.Reveal())
		out.EncryptCert, out.EncryptPrivateKey = c.SM2.EncryptPEM, string(c.SM2.EncryptKey.Reveal())
	}
	return out, nil
}

func (s *Service) certificateDetail(c chancery.Certificate) *GetUserCertificateDetailOutput {
	now := s.Clock.Now()
	out := &GetUserCertificateDetailOutput{
		Id: int64(c.ID), Name: c.Name, InstanceId: c.InstanceID, CertIdentifier: c.ID.Identifier(s.region()),
		OrderId: int64(c.OrderID), BuyInAliyun: c.OrderID != 0, Algorithm: c.Algorithm,
		Common: c.CommonName, Sans: c.SANs, OrgName: c.Organization, Country: c.Country, Province: c.Province, City: c.City,
		Issuer: c.Issuer, SerialNo: c.Serial, Fingerprint: c.Fingerprint, Sha2: c.SHA2, CertSha2: c.SHA2,
		StartDate: day(c.NotBefore), EndDate: day(c.NotAfter), NotBefore: c.NotBefore.UnixMilli(), NotAfter: c.NotAfter.UnixMilli(),
		Expired: !now.Before(c.NotAfter), ResourceGroupId: c.ResourceGroup,
		CertChain: chainLinks(c, now), Tags: []TagPair{},
	}
	for _, tag := range c.Tags {
		out.Tags = append(out.Tags, TagPair{TagKey: tag.Key, TagValue: tag.Value})
	}
	return out
}

func chainLinks(c chancery.Certificate, now time.Time) []ChainLink {
	reader, text := chancery.OrdinaryReader, c.PEM
	if text == "" {
		reader, text = sm2.Reader, c.SM2.SignPEM
	}
	chain, err := reader.Chain("Cert", text)
	links := []ChainLink{}
	if err != nil {
		return links // it was parsed when it came; a stricter parser now is no reason to hide it
	}
	for _, certificate := range chain {
		links = append(links, ChainLink{
			CommonName: certificate.Subject.CommonName, IssuerCommonName: certificate.Issuer.CommonName,
			NotBefore: certificate.NotBefore.UnixMilli(), NotAfter: certificate.NotAfter.UnixMilli(),
			RemainDay: max(0, int64(certificate.NotAfter.Sub(now)/(24*time.Hour))),
		})
	}
	return links
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// certificateError is NotFound for a certificate that the caller does not have:
// the same for an id that does not exist and for somebody else's.
func certificateError(err error, id int64) error {
	if errors.Is(err, chancery.ErrNotFound) {
		return chancery.Errorf(chancery.NotFound, "NotFound: this account has no certificate %d", id)
	}
	return err
}

func certificateResource(id int64) string { return "certificate/" + strconv.FormatInt(id, 10) }
