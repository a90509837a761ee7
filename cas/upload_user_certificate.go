package cas

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"time"

	"chancery"
	"chancery/sm2"
)

// UploadUserCertificateInput is what UploadUserCertificate takes: Cert and Key, or
// the SM2 four.
type UploadUserCertificateInput struct {
	// What the account calls the certificate: 1 to 64 characters, unique in the account.
	Name string `api:"required"`
	// The certificate in PEM, alone or with its chain, in any order. It is kept as sent.
	Cert string
	// Its private key in PEM: PKCS #8, PKCS #1 or SEC 1, without a passphrase.
	Key string
	// SM2: the signing certificate in PEM. Ignored when Cert and Key are given, as
	// are the other three.
	SignCert string
	// SM2: the key of the signing certificate.
	SignPrivateKey string
	// SM2: the encryption certificate in PEM.
	EncryptCert string
	// SM2: the key of the encryption certificate.
	EncryptPrivateKey string
	// Where the account files it. Default rg-default.
	ResourceGroupId string
	// Up to 20 labels: Tags.1.Key, Tags.1.Value and so on.
	Tags []Tag
}

// UploadUserCertificateOutput is what UploadUserCertificate answers.
type UploadUserCertificateOutput struct {
	// The certificate, for the other certificate calls.
	CertId int64
	// Its resource id, which lists show as InstanceId.
	ResourceId string
}

// Resource names what the call made, for the log.
func (o *UploadUserCertificateOutput) Resource() string { return certificateResource(o.CertId) }

// UploadUserCertificate keeps a certificate with its key: an ordinary one, or the
// two of an SM2 deployment. The same certificate may be kept under several names.
//
// Errors: MissingParameter, InvalidParameter; NameRepeat for a name in use;
// CertificateFormatException for text that is not PEM, ParseCertificateFailed for
// PEM that cannot be read, CertificateChainNotMatch for a key of another
// certificate or certificates that are not the leaf's chain, CertificateExpired
// (all 400).
func (s *Service) UploadUserCertificate(ctx context.Context, caller chancery.Caller, in *UploadUserCertificateInput) (*UploadUserCertificateOutput, error) {
	now := s.Clock.Now()
	c, err := in.certificate(now)
	if err != nil {
		return nil, err
	}
	c.AccountID, c.CreatedAt = caller.AccountID, now
	err = s.Store.Write(ctx, func(tx chancery.Tx) error {
		err := addUpload(tx, &c)
		caller.Concerns(certificateResource(int64(c.ID)))
		return err
	})
	if err != nil {
		return nil, err
	}
	return &UploadUserCertificateOutput{CertId: int64(c.ID), ResourceId: c.InstanceID}, nil
}

func (in *UploadUserCertificateInput) certificate(now time.Time) (chancery.Certificate, error) {
	tags := ownTags(in.Tags)
	c := chancery.Certificate{
		InstanceID: chancery.NewUploadID(), Name: in.Name, Tags: tags, ResourceGroup: resourceGroup(in.ResourceGroupId, tags),
	}
	err := cmp.Or(chancery.CheckName(in.Name), chancery.CheckTags(tags), chancery.CheckResourceGroup(in.ResourceGroupId))
	if err != nil {
		return c, err
	}
	if in.Cert == "" && in.Key == "" && in.SignCert != "" {
		return c, in.readSM2(&c, now)
	}
	for _, field := range []struct{ name, text string }{{"Cert", in.Cert}, {"Key", in.Key}} {
		if field.text == "" {
			return c, chancery.Errorf(chancery.MissingParameter, "%s is required and was not given or is empty", field.name)
		}
	}
	leaf, err := chancery.OrdinaryReader.Leaf(chancery.Pair{CertName: "Cert", Cert: in.Cert, KeyName: "Key", Key: in.Key}, now)
	if err != nil {
		return c, err
	}
	c.CertificateFacts, c.PEM, c.Key = chancery.FactsOf(leaf), in.Cert, chancery.NewSecret([]byte(in.Key))
	return c, nil
}

// readSM2 reads the SM2 four. What lists tell is the signing certificate's.
func (in *UploadUserCertificateInput) readSM2(c *chancery.Certificate, now time.Time) error {
	pairs := []chancery.Pair{
		{CertName: "SignCert", Cert: in.SignCert, KeyName: "SignPrivateKey", Key: in.SignPrivateKey},
		{CertName: "EncryptCert", Cert: in.EncryptCert, KeyName: "EncryptPrivateKey", Key: in.EncryptPrivateKey},
	}
	leaves := make([]*x509.Certificate, len(pairs))
	for i, pair := range pairs {
		for _, field := range []struct{ name, text string }{{pair.CertName, pair.Cert}, {pair.KeyName, pair.Key}} {
			if field.text == "" {
				return chancery.Errorf(chancery.MissingParameter, "%s is required with SignCert and was not given or is empty", field.name)
			}
		}
		var err error
		if leaves[i], err = sm2.Reader.Leaf(pair, now); err != nil {
			return err
		}
	}
	c.CertificateFacts = chancery.FactsOf(leaves[0])
	c.Algorithm = "SM2"
	c.SM2 = chancery.SM2Pairs{
		SignPEM: in.SignCert, SignKey: chancery.NewSecret([]byte(in.SignPrivateKey)),
		EncryptPEM: in.EncryptCert, EncryptKey: chancery.NewSecret([]byte(in.EncryptPrivateKey)),
	}
	return nil
}

// addUpload gives the certificate an id that is free.
func addUpload(tx chancery.Tx, c *chancery.Certificate) error {
	const draws = 8
	for range draws {
		if err := nameIsFree(tx, c.AccountID, c.Name, 0); err != nil {
			return err
		}
		c.ID = chancery.NewCertificateID()
		if err := tx.AddCertificate(*c); !errors.Is(err, chancery.ErrConflict) {
			return err
		}
	}
	return chancery.ErrConflict
}

// nameIsFree is NameRepeat when another certificate than id has the name.
func nameIsFree(tx chancery.Tx, account chancery.AccountID, name string, id chancery.CertificateID) error {
	other, err := tx.CertificateNamed(account, name)
	switch {
	case errors.Is(err, chancery.ErrNotFound) || err == nil && other == id:
		return nil
	case err != nil:
		return err
	}
	return chancery.Errorf(chancery.NameRepeat, "Name: certificate %d of this account is called %q already; choose another name", other, name)
}

func ownTags(list []Tag) []chancery.Tag {
	tags := make([]chancery.Tag, len(list))
	for i, tag := range list {
		tags[i] = chancery.Tag(tag)
	}
	return tags
}
