package storetest

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"chancery"
)

var tenants = []promise{
	{"every method of Tx is either asked with a stranger's account or has no account to ask with", everyMethodHasARow},
	{"what belongs to another account is as what does not exist", anotherAccountsRowsDoNotExist},
}

// named is what a call names: its account, and ids and keys of rows in it.
type named struct {
	account     chancery.AccountID
	accessKey   string
	product     string
	submission  []byte
	order       chancery.OrderID // waits for its proof, and has a key
	issued      chancery.OrderID
	certificate chancery.CertificateID
}

// methodsOfTenants calls each method that reads or changes rows of the account
// that it is given. What it gives back is all that its caller could see.
var methodsOfTenants = map[string]func(chancery.Tx, named) (any, error){
	"Account":    func(tx chancery.Tx, n named) (any, error) { return tx.Account(n.account) },
	"AccessKeys": func(tx chancery.Tx, n named) (any, error) { return tx.AccessKeys(n.account) },
	"DisableAccessKey": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.DisableAccessKey(n.account, n.accessKey)
	},
	"Submission": func(tx chancery.Tx, n named) (any, error) { return tx.Submission(n.account, n.submission, start) },
	"Plans":      func(tx chancery.Tx, n named) (any, error) { return tx.Plans(n.account) },
	"TakeUnit":   func(tx chancery.Tx, n named) (any, error) { return tx.TakeUnit(n.account, n.product, 404, start) },
	"ReturnUnit": func(tx chancery.Tx, n named) (any, error) { return nil, tx.ReturnUnit(n.account, n.order, start) },
	"Quota":      func(tx chancery.Tx, n named) (any, error) { return tx.Quota(n.account, n.product, start) },
	"Ledger":     func(tx chancery.Tx, n named) (any, error) { return tx.Ledger(n.account) },
	"Order":      func(tx chancery.Tx, n named) (any, error) { return tx.Order(n.account, n.order) },
	"UpdateOrder": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdateOrder(chancery.Order{ID: n.order, AccountID: n.account, State: chancery.Deleted, Version: 1})
	},
	"Validation": func(tx chancery.Tx, n named) (any, error) { return tx.Validation(n.account, n.order) },
	"AddEvidence": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.AddEvidence(n.account, n.order, []chancery.Evidence{{At: start, Finding: chancery.Seen}})
	},
	"Evidence":       func(tx chancery.Tx, n named) (any, error) { return tx.Evidence(n.account, n.issued) },
	"OrderKey":       func(tx chancery.Tx, n named) (any, error) { return tx.OrderKey(n.account, n.order) },
	"DeleteOrderKey": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteOrderKey(n.account, n.order) },
	"Certificate":    func(tx chancery.Tx, n named) (any, error) { return tx.Certificate(n.account, n.certificate) },
	"CertificateKey": func(tx chancery.Tx, n named) (any, error) { return tx.CertificateKey(n.account, n.certificate) },
	"SignedIssuance": func(tx chancery.Tx, n named) (any, error) { return tx.SignedIssuance(n.account, n.issued) },
	"OrderSteps":     func(tx chancery.Tx, n named) (any, error) { return tx.OrderSteps(n.account, n.order) },
	"HurryStep": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.HurryStep(n.account, n.order, chancery.AdvanceOrder, start.AddDate(-1, 0, 0), start)
	},
	"DeleteOrderSteps": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteOrderSteps(n.account, n.order) },
}

// methodsOfNobody have no account to be asked with, each for a reason.
var methodsOfNobody = map[string]string{
	"AddAccount":              "makes the account",
	"Accounts":                "for the operator",
	"AddAccessKey":            "adds a row whose account is part of it",
	"AccessKey":               "finds out which account a request is from",
	"UseNonce":                "nonces belong to access keys",
	"ForgetNonces":            "sweeps all",
	"DeleteSubmissionsBefore": "sweeps all",
	"PutSubmission":           "adds a row whose account is part of it and of its key",
	"AddPlan":                 "adds a row whose account is part of it",
	"AddOrder":                "adds a row whose account is part of it",
	"AddValidation":           "adds a row whose account is part of it",
	"AddOrderKey":             "adds a row whose account is part of it",
	"AddCertificate":          "adds a row whose account is part of it",
	"AddAuthority":            "the CA is the service's",
	"Authorities":             "the CA is the service's",
	"AddIssuance":             "the CA's own record, whose account is part of it",
	"CompleteIssuance":        "names a record by the serial that the CA has just drawn",
	"AddStep":                 "adds a row whose account is part of it",
	"ClaimSteps":              "workers serve all accounts",
	"NextStep":                "workers serve all accounts",
	"FinishStep":              "names a step by the version that only its worker knows",
	"PostponeStep":            "names a step by the version that only its worker knows",
}

func everyMethodHasARow(t *testing.T, _ chancery.Store) {
	tx := reflect.TypeFor[chancery.Tx]()
	var methods []string
	for i := range tx.NumMethod() {
		methods = append(methods, tx.Method(i).Name)
	}
	rows := slices.Sorted(maps.Keys(methodsOfTenants))
	rows = slices.Sorted(slices.Values(slices.AppendSeq(rows, maps.Keys(methodsOfNobody))))
	same(t, "the methods in the two tables of this file", rows, methods)
}

// errUndo ends a write that was only to be looked at.
var errUndo = errors.New("undo")

// seen is what a call came to: what it gave, and what the owner finds afterwards.
type seen struct {
	Answer any
	Err    error
	After  []any
}

// call makes one call in a transaction of its own, and undoes it.
func call(t *testing.T, s chancery.Store, method func(chancery.Tx, named) (any, error), with, owner named) (got seen) {
	t.Helper()
	refused(t, s, errUndo, func(tx chancery.Tx) error {
		got = seen{}
		got.Answer, got.Err = method(tx, with)
		got.After = belongings(tx, owner)
		return errUndo
	})
	return got
}

// belongings is everything that an account can read of itself.
func belongings(tx chancery.Tx, owner named) []any {
	var all []any
	for _, name := range []string{
		"Account", "AccessKeys", "Submission", "Plans", "Quota", "Ledger", "Order", "Validation", "Evidence",
		"OrderKey", "Certificate", "CertificateKey", "SignedIssuance", "OrderSteps",
	} {
		answer, err := methodsOfTenants[name](tx, owner)
		all = append(all, answer, err)
	}
	return all
}

// anotherAccountsRowsDoNotExist makes each call three times: as the owner of all
// that it names, as a stranger, and for what does not exist. The last two must
// come to the same, and leave the owner's rows as they are; the first must come
// to something else, or the comparison would say nothing.
func anotherAccountsRowsDoNotExist(t *testing.T, s chancery.Store) {
	estate := Furnish(t, s)
	owner := named{
		account: estate.Account, accessKey: estate.AccessKey.ID, product: product, submission: estate.Submission.Key,
		order: estate.Orders[chancery.DomainVerify].ID, issued: estate.Orders[chancery.Issued].ID, certificate: estate.Certificate.ID,
	}
	stranger, nobody := owner, named{accessKey: "nobody", product: "none", submission: []byte("none"), order: 404, issued: 404, certificate: 404}
	stranger.account = newAccount(t, s)
	nobody.account = stranger.account
	untouched := call(t, s, func(chancery.Tx, named) (any, error) { return nil, nil }, owner, owner).After
	for name, method := range methodsOfTenants {
		t.Run(name, func(t *testing.T) {
			stranger, nobody := stranger, nobody
			if name == "Account" { // the stranger's own exists
				stranger.account, nobody.account = 404, 405
			}
			asOwner, asStranger, asNobody := call(t, s, method, owner, owner), call(t, s, method, stranger, owner), call(t, s, method, nobody, owner)
			same(t, "what a stranger sees, against what does not exist", asStranger, asNobody)
			same(t, "what is left of the owner's", asStranger.After, untouched)
			if reflect.DeepEqual(asOwner, asStranger) {
				t.Error("the owner sees no more than a stranger")
			}
		})
	}
}
