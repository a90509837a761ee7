package cas_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// listModel is what lists should show: a plain slice, walked for every question.
type listModel struct {
	env     *testenv.Env
	tenant  *testenv.Tenant
	plan    int64
	entries []*modelEntry // oldest first
	draw    drawer
}

// drawer picks a number below n: rapid's, or one of math/rand.
type drawer func(n int) int

type modelEntry struct {
	order       *chancery.Order
	certificate *chancery.Certificate
	gone        bool
}

// names hold what patterns, letter case and lines could trip over.
var modelNames = []string{
	"www.example.test", "x_y.example.test", "xay.example.test", "100%.example.test", "a!b.example.test", "*.wild.test", "UPPER.Example.TEST",
	"BÜCHER.test", "tab\tbed.test", "two\nlines.test", "two lines.test", "nul\x00.test",
}

var modelGroups = []string{chancery.DefaultResourceGroup, "rg-one", "rg-two"}

func pick[T any](draw drawer, from []T) T { return from[draw(len(from))] }

func newListModel(t testing.TB, env *testenv.Env, draw drawer) *listModel {
	t.Helper()
	m := &listModel{env: env, tenant: env.NewAccount(), draw: draw}
	m.plan = m.tenant.Grant(chancery.DefaultProduct, 1).ID
	return m
}

// end lies in the past, within the 30 days before it, at their edges, or later.
func (m *listModel) end() time.Time {
	days := pick(m.draw, []int{-40, -1, 0, 1, 29, 30, 31, 90})
	return m.env.Clock.Now().Add(time.Duration(days) * 24 * time.Hour)
}

func (m *listModel) addOrder(tx chancery.Tx, state chancery.State) error {
	now := m.env.Clock.Now()
	o := &chancery.Order{
		ID: chancery.NewOrderID(), AccountID: m.tenant.Account, InstanceID: chancery.NewInstanceID(), PlanID: m.plan,
		ProductCode: chancery.DefaultProduct, Names: chancery.Names{chancery.Name(strings.ToLower(pick(m.draw, modelNames)))},
		Method: chancery.DNS, ResourceGroup: pick(m.draw, modelGroups), State: state, CreatedAt: now, Version: 1,
	}
	if state != chancery.Issued && state != chancery.Revoked {
		m.entries = append(m.entries, &modelEntry{order: o})
		return tx.AddOrder(*o)
	}
	c := m.certificate(o.InstanceID)
	c.OrderID, c.ResourceGroup = o.ID, o.ResourceGroup
	if state == chancery.Revoked {
		c.RevokedAt = now
	}
	o.CertificateID, o.IssuedAt = c.ID, now
	if err := tx.AddCertificate(*c); err != nil {
		return err
	}
	m.entries = append(m.entries, &modelEntry{certificate: c}, &modelEntry{order: o, certificate: c})
	return tx.AddOrder(*o)
}

func (m *listModel) certificate(instance string) *chancery.Certificate {
	name := pick(m.draw, modelNames)
	id := chancery.NewCertificateID()
	return &chancery.Certificate{
		ID: id, AccountID: m.tenant.Account, InstanceID: instance, Name: strconv.Itoa(int(id)), PEM: "-",
		CertificateFacts: chancery.CertificateFacts{CommonName: name, SANs: name + ",second.test", NotBefore: time.Unix(1e9, 0), NotAfter: m.end()},
		ResourceGroup:    pick(m.draw, modelGroups), CreatedAt: m.env.Clock.Now(),
	}
}

func (m *listModel) addUpload(tx chancery.Tx) error {
	c := m.certificate(chancery.NewUploadID())
	m.entries = append(m.entries, &modelEntry{certificate: c})
	return tx.AddCertificate(*c)
}

func (m *listModel) add(tx chancery.Tx) error {
	if m.draw(2) == 0 {
		return m.addUpload(tx)
	}
	return m.addOrder(tx, pick(m.draw, []chancery.State{
		chancery.Payed, chancery.DomainVerify, chancery.Process, chancery.VerifyFail, chancery.Issued, chancery.Issued, chancery.Revoked,
	}))
}

// change does something to an entry that is there.
func (m *listModel) change(tx chancery.Tx) error {
	if len(m.entries) == 0 {
		return nil
	}
	e := pick(m.draw, m.entries)
	switch {
	case e.gone:
		return nil
	case e.order != nil && m.draw(2) == 0:
		return m.updateOrder(tx, e, func(o *chancery.Order) { o.ResourceGroup = pick(m.draw, modelGroups) })
	case e.order != nil && e.order.State != chancery.Issued:
		state := pick(m.draw, []chancery.State{chancery.DomainVerify, chancery.VerifyFail, chancery.Payed, chancery.Deleted})
		return m.updateOrder(tx, e, func(o *chancery.Order) { o.State = state })
	case e.order != nil:
		return nil
	}
	if m.draw(3) == 0 {
		return m.delete(tx, e)
	}
	e.certificate.ResourceGroup = pick(m.draw, modelGroups)
	return tx.UpdateCertificate(*e.certificate)
}

func (m *listModel) delete(tx chancery.Tx, e *modelEntry) error {
	e.gone = true
	return tx.DeleteCertificate(e.certificate.AccountID, e.certificate.ID, m.env.Clock.Now())
}

// replaceNewest deletes the newest entry, if it is a certificate, and adds another.
func (m *listModel) replaceNewest(tx chancery.Tx) error {
	if last := len(m.entries) - 1; last >= 0 && m.entries[last].order == nil && !m.entries[last].gone {
		if err := m.delete(tx, m.entries[last]); err != nil {
			return err
		}
	}
	return m.addUpload(tx)
}

func (m *listModel) updateOrder(tx chancery.Tx, e *modelEntry, change func(*chancery.Order)) error {
	change(e.order)
	if e.order.State == chancery.Deleted {
		e.gone = true
	}
	err := tx.UpdateOrder(*e.order)
	e.order.Version++
	return err
}

// status is written down once more here, from the API's pages.
func (e *modelEntry) status(now time.Time) string {
	if e.order != nil {
		switch e.order.State {
		case chancery.Payed:
			return "PAYED"
		case chancery.DomainVerify, chancery.Process:
			return "CHECKING"
		case chancery.VerifyFail:
			return "CHECKED_FAIL"
		case chancery.Revoked:
			return "REVOKED"
		}
	}
	left := e.certificate.NotAfter.Sub(now)
	switch {
	case !e.certificate.RevokedAt.IsZero():
		return "REVOKED"
	case left <= 0:
		return "EXPIRED"
	case left <= 30*24*time.Hour:
		return "WILLEXPIRED"
	}
	return "ISSUED"
}

func (e *modelEntry) shown(in cas.ListUserCertificateOrderInput, now time.Time) bool {
	if e.gone {
		return false
	}
	kind, status := strings.ToUpper(in.OrderType), e.status(now)
	ofOrders := kind == "" || kind == "CPACK"
	var group, text string
	if e.order != nil {
		group, text = e.order.ResourceGroup, e.order.Names.String()+","+e.order.InstanceID
	} else {
		group, text = e.certificate.ResourceGroup, e.certificate.CommonName+","+e.certificate.SANs+","+e.certificate.InstanceID
	}
	switch {
	case kind == "BUY" || ofOrders != (e.order != nil) || kind == "UPLOAD" && e.certificate.OrderID != 0:
		return false
	case in.ResourceGroupId != "" && in.ResourceGroupId != group:
		return false
	case !slices.ContainsFunc(strings.Split(text, ","), func(value string) bool { return strings.Contains(searched(value), searched(in.Keyword)) }):
		return false
	case in.Status != "":
		return strings.EqualFold(in.Status, status)
	}
	return ofOrders || status == "ISSUED" || status == "WILLEXPIRED"
}

// searched has one letter case, and one blank for all that a line cannot hold.
func searched(text string) string {
	return strings.NewReplacer("\t", " ", "\n", " ", "\x00", " ").Replace(strings.ToLower(text))
}

func (e *modelEntry) id() string {
	if e.order != nil {
		return fmt.Sprint("order ", int64(e.order.ID))
	}
	return fmt.Sprint("certificate ", int64(e.certificate.ID))
}

func (m *listModel) question() cas.ListUserCertificateOrderInput {
	in := cas.ListUserCertificateOrderInput{
		OrderType:       pick(m.draw, []string{"", "CPACK", "cpack", "CERT", "cert", "CERT", "UPLOAD", "upload", "BUY"}),
		ResourceGroupId: pick(m.draw, []string{"", "", "", "rg-one", "rg-two", "rg-none"}),
		Keyword: pick(m.draw, []string{"", "", "", "example", "x_y", "%", "!", "WWW", "upper", "*.", "cas-", ",", "test second", ".",
			"bücher", "ÜCHER", "b\tb", "o\nL", "two lines", "test\tsecond", "test\ncas", "test\n", "nul", "\n", " ", "example.test"}),
		CurrentPage: int64(m.draw(4)),
		ShowSize:    int64(pick(m.draw, []int{0, 1, 2, 7, 50, 100, 1000})),
		Status:      pick(m.draw, []string{"", "", "ISSUED", "willexpired", "EXPIRED"}),
	}
	if kind := strings.ToUpper(in.OrderType); kind == "" || kind == "CPACK" || kind == "BUY" {
		in.Status = pick(m.draw, []string{"", in.Status, "PAYED", "checking", "CHECKED_FAIL", "NOTACTIVATED", "REVOKED"})
	}
	return in
}

// failer is what testing.T and rapid.T have in common here.
type failer interface {
	Fatalf(format string, args ...any)
}

func (m *listModel) check(t failer, in cas.ListUserCertificateOrderInput) {
	var want []string
	now := m.env.Clock.Now()
	for _, e := range slices.Backward(m.entries) {
		if e.shown(in, now) {
			want = append(want, e.id()+" "+e.status(now))
		}
	}
	total := len(want)
	number, size := max(1, int(in.CurrentPage)), min(100, int(in.ShowSize))
	if size == 0 {
		size = 50
	}
	begin := min(total, (number-1)*size)
	want = want[begin:min(total, begin+size)]

	var out cas.ListUserCertificateOrderOutput
	m.tenant.Call("ListUserCertificateOrder", in).Decode(&out)
	var got []string
	for _, row := range out.CertificateOrderList {
		if row.OrderRow != nil {
			got = append(got, fmt.Sprint("order ", row.OrderId, " ", row.Status))
		} else {
			got = append(got, fmt.Sprint("certificate ", row.CertificateId, " ", row.Status))
		}
	}
	if int(out.TotalCount) != total || int(out.CurrentPage) != number || int(out.ShowSize) != size || !slices.Equal(got, want) {
		t.Fatalf("%+v\nanswers total %d, page %d of %d:\n%v\nwant total %d, page %d of %d:\n%v",
			in, out.TotalCount, out.CurrentPage, out.ShowSize, got, total, number, size, want)
	}
}

// soundLists checks what the doctor says of lists and takes away rows that are
// made up: the environment's own examination would find orders without proofs.
func soundLists(t *testing.T, env *testenv.Env) {
	t.Helper()
	report, err := env.Store.Examine(context.Background())
	if err != nil {
		t.Error(err)
	}
	for _, problem := range report.Problems {
		if strings.Contains(problem.Invariant, "list") {
			t.Errorf("it should be that %s, but see %s", problem.Invariant, problem.Row)
		}
	}
	for _, table := range []string{"certificates", "orders", "listed", "list_blocks", "list_texts"} {
		env.SQL("DELETE FROM " + table)
	}
}

// few asks rapid for fewer runs: every step here is a commit or a signed request.
func few(t *testing.T) {
	t.Helper()
	const name = "rapid.checks"
	usual := flag.Lookup(name).Value.String()
	if err := flag.Set(name, "30"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = flag.Set(name, usual) })
}

func TestListsAgreeWithAModel(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	defer soundLists(t, env)
	few(t)
	rapid.Check(t, func(rt *rapid.T) {
		m := newListModel(t, env, func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "draw") })
		rt.Repeat(map[string]func(*rapid.T){
			"add":    func(*rapid.T) { env.Write(m.add) },
			"change": func(*rapid.T) { env.Write(m.change) },
			"newest": func(*rapid.T) { env.Write(m.replaceNewest) },
			"wait": func(*rapid.T) {
				env.Clock.Advance(time.Duration(m.draw(40*24)) * time.Hour)
			},
			"": func(rt *rapid.T) { m.check(rt, m.question()) },
		})
	})
}

// Many entries, so that pages begin in every part of a block and beyond one.
func TestLongListsAgreeWithAModel(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	defer soundLists(t, env)
	random := rand.New(rand.NewPCG(1, 2))
	m := newListModel(t, env, random.IntN)
	env.Write(func(tx chancery.Tx) error {
		for range 3500 {
			if err := m.add(tx); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range 200 {
		env.Write(m.change)
		env.Write(m.replaceNewest)
		if i%10 == 0 {
			env.Clock.Advance(3 * 24 * time.Hour)
		}
		in := m.question()
		in.CurrentPage = int64(m.draw(60))
		m.check(t, in)
	}
}

// steampipe pages by the answer's CurrentPage until it has TotalCount rows.
func TestPaging(t *testing.T) {
	for _, rows := range []int{0, 49, 50, 51, 100} {
		t.Run(strconv.Itoa(rows), func(t *testing.T) {
			env := testenv.New(t, testenv.WithoutWorker())
			defer soundLists(t, env)
			m := newListModel(t, env, func(int) int { return 0 })
			env.Write(func(tx chancery.Tx) error {
				for range rows {
					if err := m.addOrder(tx, chancery.DomainVerify); err != nil {
						return err
					}
				}
				return nil
			})
			seen := map[int64]bool{}
			for page := int64(1); ; {
				var out cas.ListUserCertificateOrderOutput
				m.tenant.Call("ListUserCertificateOrder", cas.ListUserCertificateOrderInput{CurrentPage: page, ShowSize: 50}).Decode(&out)
				for _, row := range out.CertificateOrderList {
					seen[row.OrderId] = true
				}
				if out.TotalCount != int64(rows) || len(out.CertificateOrderList) == 0 && len(seen) < rows {
					t.Fatalf("page %d: %d rows of %d", page, len(seen), out.TotalCount)
				}
				if int64(len(seen)) >= out.TotalCount {
					break
				}
				page = out.CurrentPage + 1
			}
		})
	}
}

func TestListRefusals(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for what, in := range map[string]cas.ListUserCertificateOrderInput{
		"type":                   {OrderType: "ALL"},
		"status":                 {Status: "GONE"},
		"order status of CERT":   {OrderType: "cert", Status: "CHECKING"},
		"order status of UPLOAD": {OrderType: "UPLOAD", Status: "REVOKED"},
		"page":                   {CurrentPage: -1},
		"size":                   {ShowSize: -1},
		"keyword":                {Keyword: strings.Repeat("k", 257)},
	} {
		if answer := env.Call("ListUserCertificateOrder", in); answer.Code() != "InvalidParameter" {
			t.Errorf("%s: %s", what, answer.Body)
		}
	}
	env.Call("ListUserCertificateOrder", cas.ListUserCertificateOrderInput{CurrentPage: 1 << 62, ShowSize: 100}).Decode(&cas.ListUserCertificateOrderOutput{})
}

// Clients read these without looking whether they are there.
func TestFieldsOfRows(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 2)
	order := env.Apply("fresh.example.test")
	issued := env.Order(env.Issue("www.example.test"))
	rows := func(in cas.ListUserCertificateOrderInput) string {
		return env.Call("ListUserCertificateOrder", in).Fields()["CertificateOrderList"]
	}
	has := func(text string, members ...string) {
		t.Helper()
		for _, member := range members {
			if !strings.Contains(text, member) {
				t.Errorf("%s is not in %s", member, text)
			}
		}
	}
	fresh := rows(cas.ListUserCertificateOrderInput{Keyword: "FRESH"})
	has(fresh, `"OrderId":`+strconv.FormatInt(order, 10), `"Status":"CHECKING"`, `"Domain":"fresh.example.test"`, `"InstanceId":"cas-`,
		`"ProductCode":"digicert-free-1-free"`, `"ProductName":"D`, `"CertType":"FREE"`, `"DomainType":"ONE"`, `"PartnerOrderId":""`)
	if strings.Contains(fresh, "CertificateId") {
		t.Errorf("a row of an order has fields of certificates: %s", fresh)
	}
	has(rows(cas.ListUserCertificateOrderInput{Keyword: "www", Status: "ISSUED"}), `"InstanceId":"`+issued.InstanceID+`"`, `"Algorithm":"ECC"`)
	certificates := rows(cas.ListUserCertificateOrderInput{OrderType: "CERT"})
	has(certificates, `"InstanceId":"`+issued.InstanceID+`"`, `"CertificateId":`+strconv.FormatInt(int64(issued.CertificateID), 10),
		`"Name":"cert-`+strconv.FormatInt(int64(issued.ID), 10)+`"`, `"CommonName":"www.example.test"`, `"Sans":"www.example.test"`, `"SerialNo":"`,
		`"Fingerprint":"`, `"Sha2":"`, `"Issuer":"`, `"Status":"ISSUED"`, `"StartDate":"`, `"EndDate":"`, `"CertStartTime":1`, `"CertEndTime":1`,
		`"Expired":false`, `"Upload":false`, `"ResourceGroupId":"rg-default"`, `"OrgName":""`, `"Country":""`, `"Province":""`, `"City":""`)
	if strings.Contains(certificates, `"OrderId"`) {
		t.Errorf("a row of a certificate has fields of orders: %s", certificates)
	}
	xml := env.Signed("ListUserCertificateOrder", map[string]string{"OrderType": "CERT"}, v1("XML"))
	has(xml.Body, "<ListUserCertificateOrderResponse>", "<CertificateOrderList>", "<Upload>false</Upload>", "<TotalCount>1</TotalCount>")
}
