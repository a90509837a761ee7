package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/cas"
	"chancery/client"
)

// listFlags are what the lists have in common.
type listFlags struct {
	keyword, status string
	limit           int
}

func (l *listFlags) add(command *cobra.Command, limit int, statuses []string) {
	flags := command.Flags()
	flags.StringVar(&l.keyword, "keyword", "", "only those with this text in a domain name or resource id, in any letter case")
	flags.StringVar(&l.status, "status", "", "only those in this status: "+strings.Join(statuses, ", "))
	flags.IntVar(&l.limit, "limit", limit, "show at most so many; 0 for all")
	complete(command, "status", statuses...)
}

// check settles the status to what the API takes.
func (l *listFlags) check(statuses []string) error {
	l.status = strings.ToUpper(strings.ReplaceAll(l.status, "-", "_"))
	if known := strings.ToUpper(strings.ReplaceAll(strings.Join(statuses, " "), "-", "_")); l.status != "" && !slices.Contains(strings.Fields(known), l.status) {
		return fmt.Errorf("--status: not one of %s", strings.Join(statuses, ", "))
	}
	if l.limit < 0 {
		return fmt.Errorf("--limit: %d is less than nothing", l.limit)
	}
	return nil
}

// orderStatuses and certificateStatuses are those of ListUserCertificateOrder.
var (
	orderStatuses       = []string{"payed", "checking", "checked-fail", "issued", "willexpired", "expired", "revoked"}
	certificateStatuses = []string{"issued", "willexpired", "expired"}
)

// listedOrder is an order as `order list` shows it. Its times are absent until they are known.
type listedOrder struct {
	OrderID   int64      `json:"orderId"`
	Status    string     `json:"status"`
	Names     []string   `json:"names"`
	Product   string     `json:"product"`
	AppliedAt time.Time  `json:"appliedAt"`
	EndsAt    *time.Time `json:"endsAt,omitempty"` // of its certificate
}

// listedCertificate is a certificate as `certificate list` shows it.
type listedCertificate struct {
	CertificateID int64     `json:"certificateId"`
	Status        string    `json:"status"`
	Name          string    `json:"name"`
	Names         []string  `json:"names"`
	Serial        string    `json:"serial"`
	Issuer        string    `json:"issuer"`
	Uploaded      bool      `json:"uploaded"`
	StartsAt      time.Time `json:"startsAt"`
	EndsAt        time.Time `json:"endsAt"`
	DaysLeft      int       `json:"daysLeft"`
}

func orderListCommand() *cobra.Command {
	o, l := &orderFlags{}, &listFlags{}
	command := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "List the orders of the account, newest first",
		Long: `List the orders of the account, newest first. ENDS is when the certificate does.
` + credentialsHelp,
		Example: `  chancery order list
  chancery order list --status checking
  chancery order list --keyword shop.example.com --limit 0 --output json`,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := l.check(orderStatuses); err != nil {
				return usageError{err, hint(command)}
			}
			c, err := o.client(command)
			if err != nil {
				return err
			}
			rows, total, err := list(command.Context(), c, cas.ListUserCertificateOrderInput{Status: l.status, Keyword: l.keyword}, l.limit)
			if err != nil {
				return err
			}
			return errors.Join(showOrders(command, o, rows), l.others(command, total-int64(len(rows))))
		},
	}
	o.addList(command)
	const usual = 50
	l.add(command, usual, orderStatuses)
	return command
}

// others tells of what the limit left out.
func (l *listFlags) others(command *cobra.Command, left int64) error {
	if left <= 0 || l.limit == 0 {
		return nil
	}
	_, err := fmt.Fprintf(command.ErrOrStderr(), "%d others fit too; --limit 0 shows all\n", left)
	return err
}

// list gives the first rows of a list, all of them with limit 0, and how many there are.
func list(ctx context.Context, c *client.Client, in cas.ListUserCertificateOrderInput, limit int) (rows []cas.CertificateOrder, total int64, err error) {
	in.ShowSize = chancery.MaxPageSize
	if limit > 0 {
		in.ShowSize = min(int64(limit), in.ShowSize)
	}
	for in.CurrentPage = 1; ; in.CurrentPage++ {
		page, err := c.ListUserCertificateOrder(ctx, in)
		if err != nil {
			return nil, 0, err
		}
		rows, total = append(rows, page.CertificateOrderList...), page.TotalCount
		if limit > 0 && len(rows) >= limit {
			return rows[:limit], total, nil
		}
		if len(page.CertificateOrderList) == 0 || int64(len(rows)) >= total {
			return rows, total, nil
		}
	}
}

func showOrders(command *cobra.Command, o *orderFlags, rows []cas.CertificateOrder) error {
	orders := []listedOrder{}
	var cells [][]string
	for _, row := range rows {
		if row.OrderRow == nil {
			continue
		}
		order := listedOrder{
			OrderID: row.OrderId, Status: row.Status, Names: strings.Split(row.Domain, ","), Product: row.ProductCode,
			AppliedAt: time.UnixMilli(row.BuyDate).UTC(),
		}
		ends := "-"
		if row.CertEndTime > 0 {
			end := time.UnixMilli(row.CertEndTime).UTC()
			order.EndsAt, ends = &end, instant(end)
		}
		orders = append(orders, order)
		cells = append(cells, []string{
			strconv.FormatInt(order.OrderID, 10), strings.ToLower(order.Status), listed(order.Names), order.Product, instant(order.AppliedAt), ends,
		})
	}
	if o.output.data() {
		return o.output.write(command.OutOrStdout(), orders)
	}
	const head, names = "ORDER STATUS NAMES PRODUCT APPLIED ENDS", 2
	return table(command.OutOrStdout(), head, fit(width(command.OutOrStdout()), head, cells, names))
}

func certificateListCommand() *cobra.Command {
	o, l := &orderFlags{}, &listFlags{}
	var expiring string
	command := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "List the certificates of the account over the API, what ends first at the top",
		Long: `List the certificates of the account, issued and uploaded, what ends first at the
top. Without --status these are the valid ones: "issued" with more than 30 days
left, "willexpired" with less.
` + credentialsHelp,
		Example: `  chancery certificate list
  chancery certificate list --expiring 30d
  chancery certificate list --status expired --limit 20 --output json`,
		RunE: func(command *cobra.Command, _ []string) error {
			within, err := parseDays("expiring", expiring)
			if err == nil && expiring != "" && l.status != "" {
				err = errors.New("--expiring and --status do not go together")
			}
			if err := cmp.Or(err, l.check(certificateStatuses)); err != nil {
				return usageError{err, hint(command)}
			}
			c, err := o.client(command)
			if err != nil {
				return err
			}
			in := cas.ListUserCertificateOrderInput{OrderType: "CERT", Status: l.status, Keyword: l.keyword}
			if within > 0 && within <= soon {
				in.Status = string(chancery.StatusWillExpire) // most of an estate need not be read
			}
			rows, _, err := list(command.Context(), c, in, 0)
			if err != nil {
				return err
			}
			certificates := byEnd(rows, within, chancery.SystemClock{}.Now())
			all := len(certificates)
			if l.limit > 0 {
				certificates = certificates[:min(all, l.limit)]
			}
			return errors.Join(showCertificates(command, o, certificates), l.others(command, int64(all-len(certificates))))
		},
	}
	o.addList(command)
	l.add(command, 0, certificateStatuses)
	command.Flags().StringVar(&expiring, "expiring", "", "only those that end within this time: 30d, 12h")
	complete(command, "expiring", "1d", "7d", "30d", "60d")
	return command
}

const (
	day = 24 * time.Hour
	// soon is when the API calls a certificate WILLEXPIRED.
	soon = 30 * day
)

// parseDays reads a length of time, also in days; 0 for none.
func parseDays(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	length, err := time.ParseDuration(text)
	if days, isDays := strings.CutSuffix(text, "d"); isDays {
		const most = 36500
		var n int
		if n, err = strconv.Atoi(days); n > most {
			err = errors.New("too long")
		}
		length = time.Duration(n) * day
	}
	if err != nil || length <= 0 {
		return 0, fmt.Errorf("--%s: %q is not a length of time such as 30d or 12h", flag, text)
	}
	return length, nil
}

// byEnd sorts certificates by their end, and keeps those that end within a time if it
// is not 0.
func byEnd(rows []cas.CertificateOrder, within time.Duration, now time.Time) []listedCertificate {
	all := []listedCertificate{}
	for _, row := range rows {
		end := time.UnixMilli(row.CertEndTime).UTC()
		if row.CertificateRow == nil || within > 0 && (end.Before(now) || end.After(now.Add(within))) {
			continue
		}
		all = append(all, listedCertificate{
			CertificateID: row.CertificateId, Status: row.Status, Name: row.Name, Names: strings.Split(cmp.Or(row.Sans, row.CommonName), ","),
			Serial: row.SerialNo, Issuer: row.Issuer, Uploaded: row.Upload,
			StartsAt: time.UnixMilli(row.CertStartTime).UTC(), EndsAt: end, DaysLeft: max(0, int(end.Sub(now)/day)),
		})
	}
	slices.SortStableFunc(all, func(a, b listedCertificate) int { return a.EndsAt.Compare(b.EndsAt) })
	return all
}

func showCertificates(command *cobra.Command, o *orderFlags, certificates []listedCertificate) error {
	if o.output.data() {
		return o.output.write(command.OutOrStdout(), certificates)
	}
	var cells [][]string
	for _, c := range certificates {
		cells = append(cells, []string{
			strconv.FormatInt(c.CertificateID, 10), instant(c.EndsAt), strconv.Itoa(c.DaysLeft), strings.ToLower(c.Status), listed(c.Names), orDash(c.Issuer),
		})
	}
	const head, names = "CERTIFICATE ENDS DAYSLEFT STATUS NAMES ISSUER", 4
	return table(command.OutOrStdout(), head, fit(width(command.OutOrStdout()), head, cells, names))
}
