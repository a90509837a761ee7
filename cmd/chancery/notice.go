package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
)

func noticeCommand() *cobra.Command {
	o := &operatorFlags{}
	command := &cobra.Command{
		Use: "notice", GroupID: "operator", Short: "Say who is told what by webhook or mail, and see what was told",
		Long: `Notices tell of certificates that end in 60, 30, 7 and 1 days and have no
successor, of orders that failed, of plans that are used to 80 and 100 %, and of
CAs that fail while orders wait for them. They go to the targets of the account:
webhooks and mail. Targets of the operator (--operator) are told of CAs alone.`,
		Example: "  chancery notice target add --mail ops@example.com\n  chancery notice list",
	}
	o.add(command)
	target := &cobra.Command{
		Use: "target", Short: "Add, list, test and remove targets of notices",
		Example: "  chancery notice target list",
	}
	target.AddCommand(noticeTargetAddCommand(o), noticeTargetListCommand(o), noticeTargetRemoveCommand(o), noticeTargetTestCommand(o))
	command.AddCommand(target, noticeListCommand(o))
	return command
}

// whoseFlags adds the flags that say whose targets and notices are meant.
func whoseFlags(command *cobra.Command, whose *admin.Whose) {
	command.Flags().Int64Var((*int64)(&whose.AccountID), "account", 0, "account; needed if there are several")
	command.Flags().BoolVar(&whose.Operator, "operator", false, "the operator's own, in place of an account's")
}

func noticeTargetAddCommand(o *operatorFlags) *cobra.Command {
	var ask admin.NewNoticeTarget
	var format, urlFile, secretFile string
	var kinds []string
	add := &cobra.Command{
		Use: "add", Short: "Add a target of notices", Args: cobra.NoArgs,
		Long: `Add a target of notices: mail addresses, or a webhook in one of the formats generic
(JSON, signed as Standard Webhooks), dingtalk, feishu and slack.

The URL of a chat's webhook is a secret, and is read from a file; "-" is the
standard input. So is the secret that DingTalk and Feishu sign with. For the
generic format a secret is made, and shown this once.`,
		Example: `  chancery notice target add --mail ops@example.com --mail boss@example.com
  chancery notice target add --format generic --url https://hooks.example.com/chancery
  chancery notice target add --format slack --url-file - < slack-url
  chancery notice target add --format dingtalk --url-file url --secret-file secret --kind order-failed`,
		RunE: func(command *cobra.Command, _ []string) (err error) {
			ask.Kind = chancery.WebhookTarget
			if len(ask.Addresses) > 0 {
				ask.Kind = chancery.MailTarget
			}
			ask.Format = chancery.WebhookFormat(format)
			if ask.Kind == chancery.WebhookTarget && ask.Format == "" {
				ask.Format = chancery.GenericFormat
			}
			if ask.URL != "" && (urlFile != "" || ask.Format != chancery.GenericFormat) {
				return usageError{errors.New("--url: the URL of a chat is a secret; give it in a file with --url-file, and once"), hint(command)}
			}
			if urlFile != "" {
				if ask.URL, err = readSecretFile(command, "url-file", urlFile); err != nil {
					return err
				}
			}
			if ask.Secret, err = readSecretFile(command, "secret-file", secretFile); err != nil {
				return err
			}
			for _, kind := range kinds {
				ask.Kinds = append(ask.Kinds, chancery.NoticeKind(kind))
			}
			made, err := call[admin.NoticeTarget](command, o, "notice.target.add", ask)
			if err != nil {
				return err
			}
			if made.Secret != "" && o.output != "json" {
				defer func() {
					_, _ = fmt.Fprintf(command.OutOrStdout(), "\nThe secret that its signatures are made with, shown this once:\n\n  %s\n", made.Secret)
				}()
			}
			return showTargets(command, o, made, made)
		},
	}
	flags := add.Flags()
	whoseFlags(add, &ask.Whose)
	flags.StringArrayVar(&ask.Addresses, "mail", nil, "mail address; repeatable")
	flags.StringVar(&format, "format", "", "what a webhook is sent: generic (the default), dingtalk, feishu or slack")
	flags.StringVar(&ask.URL, "url", "", "URL of a webhook of format generic")
	flags.StringVar(&urlFile, "url-file", "", `file with the webhook's URL; "-" for the standard input`)
	flags.StringVar(&secretFile, "secret-file", "", `file with the secret that signs; "-" for the standard input`)
	flags.StringArrayVar(&kinds, "kind", nil, "only notices of this kind: certificate-expiring, order-failed, quota-low or ca-trouble; repeatable; default all")
	return add
}

// readSecretFile reads one line from a file, or from the standard input.
func readSecretFile(command *cobra.Command, flag, path string) (string, error) {
	const most = 4 << 10
	from := command.InOrStdin()
	switch path {
	case "":
		return "", nil
	case "-":
	default:
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("--%s: %w", flag, err)
		}
		defer func() { _ = file.Close() }()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, most))
	if err != nil {
		return "", fmt.Errorf("--%s: %w", flag, err)
	}
	line := strings.TrimSpace(string(text))
	if line == "" || strings.ContainsAny(line, "\r\n") {
		return "", fmt.Errorf("--%s: there must be one line", flag)
	}
	return line, nil
}

func noticeTargetListCommand(o *operatorFlags) *cobra.Command {
	var whose admin.Whose
	list := &cobra.Command{
		Use: "list", Short: "List targets, with when a notice last arrived and why the last one failed", Args: cobra.NoArgs,
		Example: "  chancery notice target list --output json",
		RunE: func(command *cobra.Command, _ []string) error {
			all, err := call[[]admin.NoticeTarget](command, o, "notice.target.list", whose)
			if err != nil {
				return err
			}
			return showTargets(command, o, all, all...)
		},
	}
	whoseFlags(list, &whose)
	return list
}

func noticeTargetRemoveCommand(o *operatorFlags) *cobra.Command {
	var name admin.NoticeTargetName
	remove := &cobra.Command{
		Use: "remove ID", Short: "Remove a target; what it was not told yet it never is", Args: cobra.ExactArgs(1),
		Example: "  chancery notice target remove 5530217746120984",
		RunE: func(command *cobra.Command, args []string) (err error) {
			if name.ID, err = targetID(command, args[0]); err != nil {
				return err
			}
			if _, err := call[admin.Nothing](command, o, "notice.target.remove", name); err != nil {
				return err
			}
			return show(command, o, name, "REMOVED", [][]string{{args[0]}})
		},
	}
	whoseFlags(remove, &name.Whose)
	return remove
}

func noticeTargetTestCommand(o *operatorFlags) *cobra.Command {
	var name admin.NoticeTargetName
	test := &cobra.Command{
		Use: "test ID", Short: "Send a test to a target now, and see whether it arrives", Args: cobra.ExactArgs(1),
		Long: `Send a notice of the kind test to a target now, and see whether it arrives. The
service has to run. The status is 1 if it does not arrive.`,
		Example: "  chancery notice target test 5530217746120984",
		RunE: func(command *cobra.Command, args []string) (err error) {
			if name.ID, err = targetID(command, args[0]); err != nil {
				return err
			}
			outcome, err := call[admin.NoticeTest](command, o, "notice.target.test", name)
			if err != nil {
				return err
			}
			result := "it arrived"
			if !outcome.Delivered {
				result = outcome.Error
			}
			if err := show(command, o, outcome, "TARGET PLACE RESULT", [][]string{{args[0], outcome.Target.Place, result}}); err != nil || outcome.Delivered {
				return err
			}
			return statusError{status: 1}
		},
	}
	whoseFlags(test, &name.Whose)
	return test
}

func targetID(command *cobra.Command, text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, usageError{fmt.Errorf("%q is no target's id; `chancery notice target list` shows them", text), hint(command)}
	}
	return id, nil
}

func noticeListCommand(o *operatorFlags) *cobra.Command {
	var query admin.NoticeQuery
	list := &cobra.Command{
		Use: "list", Short: "List the newest notices, with what became of them", Args: cobra.NoArgs,
		Example: "  chancery notice list\n  chancery notice list --limit 5 --output json",
		RunE: func(command *cobra.Command, _ []string) error {
			all, err := call[[]admin.Notice](command, o, "notice.list", query)
			if err != nil {
				return err
			}
			var rows [][]string
			for _, n := range all {
				var deliveries []string
				for _, d := range n.Deliveries {
					text := fmt.Sprintf("%d: %s", d.TargetID, d.State)
					if d.Error != "" {
						text += " (" + d.Error + ")"
					}
					deliveries = append(deliveries, text)
				}
				rows = append(rows, []string{fmt.Sprint(n.ID), instant(n.At), string(n.Kind), n.Subject, orDash(strings.Join(deliveries, "; "))})
			}
			return show(command, o, all, "NOTICE TIME KIND SUBJECT DELIVERIES", rows)
		},
	}
	whoseFlags(list, &query.Whose)
	list.Flags().IntVar(&query.Limit, "limit", 20, "show at most so many")
	return list
}

func showTargets(command *cobra.Command, o *operatorFlags, result any, targets ...admin.NoticeTarget) error {
	var rows [][]string
	for _, t := range targets {
		var kinds []string
		for _, kind := range t.Kinds {
			kinds = append(kinds, string(kind))
		}
		sent, failed := "never", "-"
		if t.SentAt != nil {
			sent = instant(*t.SentAt)
		}
		if t.FailedAt != nil {
			failed = instant(*t.FailedAt) + ": " + t.Error
		}
		form := string(t.Kind)
		if t.Format != "" {
			form = string(t.Format)
		}
		if len(kinds) == 0 {
			kinds = []string{"all"}
		}
		rows = append(rows, []string{fmt.Sprint(t.ID), form, t.Place, strings.Join(kinds, ","), sent, failed})
	}
	return show(command, o, result, "TARGET FORM PLACE KINDS ARRIVED FAILED", rows)
}
