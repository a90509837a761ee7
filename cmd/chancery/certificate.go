package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
	"chancery/cas"
)

func certificateCommand() *cobra.Command {
	certificate := &cobra.Command{
		Use: "certificate", GroupID: "orders", Short: "List certificates by their end; revoke many at once, as the operator",
		Example: `  chancery certificate list --expiring 30d
  chancery certificate revoke --serials leaked.txt --reason keyCompromise --yes`,
	}
	certificate.AddCommand(certificateListCommand(), revokeCertificatesCommand())
	return certificate
}

func revokeCertificatesCommand() *cobra.Command {
	o := &operatorFlags{}
	var account int64
	var file, reason string
	var yes bool
	command := &cobra.Command{
		Use: "revoke (--account ID | --serials FILE)", Args: cobra.NoArgs,
		Short: "Revoke all certificates of an account, or those with listed serials",
		Long: fmt.Sprintf(`Revoke certificates for good, as the operator: all that an account's orders hold,
or those of the embedded CA whose serials stand in FILE, one a line in hex (colons
and upper case are fine, lines that begin with '#' are passed over). Orders,
quota and certificates change as when their owners revoke them.

Each %d certificates are one transaction, so a command that was cut off can be
given again. OCSP follows at once, the CRL within a minute of the last.

Reasons:`, admin.RevokeBatch) + reasonsHelp,
		Example: `  chancery certificate revoke --account 1234567890123456 --reason cessationOfOperation --yes
  chancery certificate revoke --serials leaked.txt --reason keyCompromise --yes`,
		RunE: func(command *cobra.Command, _ []string) error {
			if (account == 0) == (file == "") {
				return usageError{errors.New("give either --account or --serials"), hint(command)}
			}
			if !yes {
				return usageError{errors.New("revocation cannot be undone; give --yes if it is meant"), hint(command)}
			}
			var serials []string
			if file != "" {
				text, err := os.ReadFile(file)
				if err != nil {
					return fmt.Errorf("--serials: %w", err)
				}
				if serials = parseSerials(string(text)); len(serials) == 0 {
					return fmt.Errorf("--serials: %s holds no serial", file)
				}
			}
			return revokeCertificates(command, o, admin.RevokeCertificates{AccountID: chancery.AccountID(account), Serials: serials, Reason: reason})
		},
	}
	o.add(command)
	command.Flags().DurationVar(&o.refundWindow, "refund-window", cas.DefaultRefundWindow, "as for serve; only needed while the service is stopped")
	command.Flags().Int64Var(&account, "account", 0, "revoke all certificates that this account's orders hold")
	command.Flags().StringVar(&file, "serials", "", "file with the serials to revoke")
	command.Flags().BoolVarP(&yes, "yes", "y", false, "it is meant; needed")
	command.Flags().StringVar(&reason, "reason", chancery.Unspecified.String(), "why, as listed above")
	return command
}

// parseSerials settles serials to the form of the record.
func parseSerials(text string) []string {
	var serials []string
	for line := range strings.Lines(text) {
		serial := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(line), ":", ""))
		if serial == "" || strings.HasPrefix(serial, "#") {
			continue
		}
		serial = strings.TrimLeft(serial, "0")
		if len(serial)%2 == 1 {
			serial = "0" + serial
		}
		serials = append(serials, serial)
	}
	return serials
}

// revokeCertificates goes on batch by batch until nothing is left to revoke.
func revokeCertificates(command *cobra.Command, o *operatorFlags, ask admin.RevokeCertificates) error {
	var all admin.RevokedCertificates
	for left := ask.Serials; ; {
		ask.Serials = left[:min(len(left), admin.RevokeBatch)]
		left = left[len(ask.Serials):]
		done, err := call[admin.RevokedCertificates](command, o, "certificate.revoke", ask)
		if err != nil {
			return fmt.Errorf("after %d certificates: %w", all.Revoked, err)
		}
		all.Revoked += done.Revoked
		all.Before += done.Before
		all.Unknown = append(all.Unknown, done.Unknown...)
		if len(left) == 0 && !done.More {
			break
		}
		_, _ = fmt.Fprintf(command.ErrOrStderr(), "%d revoked\n", all.Revoked)
	}
	rows := [][]string{{fmt.Sprint(all.Revoked), fmt.Sprint(all.Before), fmt.Sprint(len(all.Unknown))}}
	if err := show(command, o, all, "REVOKED BEFORE UNKNOWN", rows); err != nil {
		return err
	}
	if len(all.Unknown) > 0 {
		return fmt.Errorf("%d serials were never signed by the embedded CA, the first %s", len(all.Unknown), all.Unknown[0])
	}
	return nil
}
