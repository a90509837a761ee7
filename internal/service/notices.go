package service

import (
	"os"

	"chancery"
	"chancery/dcv"
	"chancery/notice"
)

// smtpPasswordVariable is the environment variable with the password of --smtp-url.
const smtpPasswordVariable = "CHANCERY_SMTP_PASSWORD" //nolint:gosec // a name

// TakeSMTPPassword reads the password of --smtp-url from the environment, if it is
// there, and removes it: no other program is to inherit it.
func (c *Config) TakeSMTPPassword() error {
	if password := os.Getenv(smtpPasswordVariable); password != "" {
		c.SMTPPassword = chancery.NewSecret([]byte(password))
	}
	return os.Unsetenv(smtpPasswordVariable)
}

// courier delivers notices as the configuration says.
func (c *Config) courier(clock chancery.Clock) (*notice.Courier, error) {
	ranges, err := allowed("notice-allow", c.NoticeAllow)
	if err != nil {
		return nil, err
	}
	dialer, err := dcv.NewDialer(c.Resolvers, ranges, "--notice-allow")
	if err != nil {
		return nil, configError("notice-allow", "%v", err)
	}
	courier := &notice.Courier{Dialer: dialer, Clock: clock}
	if c.SMTPURL == "" {
		return courier, nil
	}
	if courier.Mail, err = notice.ParseSMTP(c.SMTPURL, c.SMTPPassword, c.SMTPFrom); err != nil {
		return nil, configError("smtp-url", "%v", err)
	}
	return courier, nil
}
