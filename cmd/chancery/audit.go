package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
)

func auditCommand() *cobra.Command {
	o := &operatorFlags{}
	ask := admin.AuditQuery{}
	var since, until string
	var limit int
	var onward bool
	command := &cobra.Command{
		Use: "audit", GroupID: "access", Args: cobra.NoArgs,
		Short: "Print the audit log of an account: who did what, from where, and what came of it",
		Long: `Print the audit log of an account, oldest line first: who did what to what, from
where, and what came of it. Every signed call has a line, and so has everything
that these commands change; KEY says "read" where the answer held a private key.
The log is a chain that ` + "`chancery doctor`" + ` checks.

The filters are compared whole and must all fit. With --output json every line is
one object on one line.`,
		Example: `  chancery audit --since 24h
  chancery audit --key-reads --resource order/55
  chancery audit --principal user/ada --refused --output json
  chancery audit --principal operator --limit 20
  chancery audit --limit 10 --follow`,
		RunE: func(command *cobra.Command, _ []string) (err error) {
			ask.AccountID = o.accountID()
			if ask.Since, err = parseMoment("since", since); err == nil {
				ask.Until, err = parseMoment("until", until)
			}
			if err == nil && limit < 0 {
				err = fmt.Errorf("--limit: %d is less than nothing", limit)
			}
			if err != nil {
				return usageError{err, hint(command)}
			}
			return o.with(command, func(caller admin.Caller) error {
				printer, reader := newAuditPrinter(command.OutOrStdout(), o.output), &auditReader{caller, ask}
				if _, running := caller.(*admin.Socket); onward && !running {
					return errors.New("no service runs here, so nothing would follow")
				}
				if err := audit(command, printer, reader, limit); err != nil || !onward {
					return err
				}
				return follow(command.Context(), printer, reader)
			})
		},
	}
	o.addAccount(command)
	flags := command.Flags()
	flags.StringVar(&since, "since", "", "only what happened since then: a length of time before now (24h) or a time (RFC 3339)")
	flags.StringVar(&until, "until", "", "only what happened before then, likewise")
	flags.StringVar(&ask.Principal, "principal", "", "only of one: user/ada, assumed-role/ROLE/SESSION, root (the account's own keys), operator, or a full name")
	flags.StringVar(&ask.Action, "action", "", "only this action; without a prefix it is one of CAS")
	flags.StringVar(&ask.Resource, "resource", "", "only what was done to this: order/55")
	flags.StringVar(&ask.AccessKeyID, "access-key", "", "only what was signed with this access key")
	flags.StringVar(&ask.RequestID, "request", "", "only the request with this id")
	flags.BoolVar(&ask.KeyReads, "key-reads", false, "only where a private key was read")
	flags.BoolVar(&ask.Refused, "refused", false, "only what was refused or failed")
	flags.IntVar(&limit, "limit", 0, "only the newest so many; how many there are before them is told; 0 for all")
	flags.BoolVarP(&onward, "follow", "f", false, "go on with what happens, until Ctrl-C")
	return command
}

// parseMoment reads a time, or how long ago one was.
func parseMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return chancery.SystemClock{}.Now().Add(-ago), nil
	}
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return moment, fmt.Errorf("--%s: %q is neither a length of time such as 24h nor a time such as 2027-12-31T12:00:00Z", flag, text)
	}
	return moment, nil
}

// auditReader reads on where it stopped.
type auditReader struct {
	caller admin.Caller
	ask    admin.AuditQuery
}

// next gives what is there by now, in pieces; more tells that there is another.
func (r *auditReader) next(ctx context.Context) (lines []admin.AuditLine, more bool, err error) {
	var page admin.AuditLines
	if err := r.caller.Call(ctx, "audit.read", r.ask, &page); err != nil {
		return nil, false, err
	}
	if n := len(page.Lines); n > 0 {
		r.ask.After = page.Lines[n-1].Seq
	}
	return page.Lines, page.More, nil
}

// audit prints page by page; with a limit, what is left at the end.
func audit(command *cobra.Command, printer *auditPrinter, reader *auditReader, limit int) error {
	var newest []admin.AuditLine
	before := 0
	for more := true; more; {
		var lines []admin.AuditLine
		var err error
		if lines, more, err = reader.next(command.Context()); err != nil {
			return err
		}
		if limit == 0 {
			if err := printer.print(lines); err != nil {
				return err
			}
			continue
		}
		newest = append(newest, lines...)
		passed := max(0, len(newest)-limit)
		before += passed
		newest = newest[passed:]
	}
	if err := printer.print(newest); err != nil || before == 0 {
		return err
	}
	_, err := fmt.Fprintf(command.ErrOrStderr(), "%d lines before these fit too; --limit 0 shows all\n", before)
	return err
}

// follow prints lines as they come, until the command is interrupted.
func follow(ctx context.Context, printer *auditPrinter, reader *auditReader) error {
	const pause = time.Second
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		lines, _, err := reader.next(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if err := printer.print(lines); err != nil {
			return err
		}
	}
}

// auditPrinter writes lines as a table, whose columns are aligned page by page, or
// as data.
type auditPrinter struct {
	out    io.Writer
	output format
	table  *tabwriter.Writer
	begun  bool
}

func newAuditPrinter(out io.Writer, output format) *auditPrinter {
	return &auditPrinter{out: out, output: output, table: tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)}
}

func (p *auditPrinter) print(lines []admin.AuditLine) error {
	if p.output.data() {
		for _, line := range lines {
			if err := p.output.writeNext(p.out, line); err != nil {
				return err
			}
		}
		return nil
	}
	if !p.begun {
		p.begun = true
		_, _ = fmt.Fprintln(p.table, "TIME\tPRINCIPAL\tACTION\tRESOURCE\tOUTCOME\tFROM\tKEY")
	}
	for _, l := range lines {
		outcome, key := "ok", "-"
		if l.Code != "" {
			outcome = string(l.Code)
		}
		if l.KeyRead {
			key = "read"
		}
		// All of one account, so its part of the name is left out.
		principal := strings.TrimPrefix(l.Principal, fmt.Sprintf("acs:ram::%d:", l.AccountID))
		_, _ = fmt.Fprintln(p.table, strings.Join([]string{
			instant(l.Time), principal, l.Action, orDash(l.Resource), outcome, orDash(l.Address), key,
		}, "\t"))
	}
	return p.table.Flush()
}
