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
	instance    string           // of that order
	name        chancery.Name    // to be proved for it
	issued      chancery.OrderID
	certificate chancery.CertificateID // of the issued order
	certInst    string                 // its resource id
	certName    string
	upload      chancery.CertificateID
	csr         chancery.CSRID // has its key, and an open order waits for it
	keySHA2     string         // of that CSR
	keyless     chancery.CSRID
	contact     int64
	company     int64
	companyName string
	user        int64 // has the policy, and is in the group
	userName    string
	stray       int64 // a user without group or policy
	group       int64
	groupName   string
	role        int64 // has the session
	roleName    string
	policy      string // the user's
	spare       string // a policy that nobody has
	session     string
	signed      []byte // the user's session of the console
	plan        int64  // nearly used
	commonName  string // of the certificate
	sans        string
	notice      int64 // goes to the target by the delivery
	target      int64
	delivery    int64
}

// all is a page that has room for everything, later a time when every date has passed.
var (
	all   = chancery.Page{Number: 1, Size: chancery.MaxPageSize}
	later = start.AddDate(1, 0, 0)
)

// listing is a list with its total.
type listing[T any] struct {
	Rows  []T
	Total int64
}

// listed puts the results of a listing method together.
func listed[T any](rows []T, total int64, err error) (any, error) {
	return listing[T]{rows, total}, err
}

// methodsOfTenants calls each method that reads or changes rows of the account
// that it is given. What it gives back is all that its caller could see.
var methodsOfTenants = map[string]func(chancery.Tx, named) (any, error){
	"Account":    func(tx chancery.Tx, n named) (any, error) { return tx.Account(n.account) },
	"AccessKeys": func(tx chancery.Tx, n named) (any, error) { return tx.AccessKeys(n.account) },
	"DisableAccessKey": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.DisableAccessKey(n.account, n.accessKey)
	},
	"Submission":        func(tx chancery.Tx, n named) (any, error) { return tx.Submission(n.account, n.submission, start) },
	"Plans":             func(tx chancery.Tx, n named) (any, error) { return tx.Plans(n.account) },
	"TakeUnit":          func(tx chancery.Tx, n named) (any, error) { return tx.TakeUnit(n.account, n.product, 404, start) },
	"ReturnUnit":        func(tx chancery.Tx, n named) (any, error) { return nil, tx.ReturnUnit(n.account, n.order, start) },
	"Quota":             func(tx chancery.Tx, n named) (any, error) { return tx.Quota(n.account, n.product, start) },
	"Ledger":            func(tx chancery.Tx, n named) (any, error) { return tx.Ledger(n.account) },
	"HasCertificateKey": func(tx chancery.Tx, n named) (any, error) { return tx.HasCertificateKey(n.account, n.certificate) },
	"LedgerPage": func(tx chancery.Tx, n named) (any, error) {
		return listed(tx.LedgerPage(n.account, all))
	},
	"ListByEnd": func(tx chancery.Tx, n named) (any, error) {
		return listed(tx.ListByEnd(n.account, valid, start.AddDate(-50, 0, 0), later.AddDate(50, 0, 0), all))
	},
	"ResourceGroups": func(tx chancery.Tx, n named) (any, error) { return tx.ResourceGroups(n.account) },
	"Tags":           func(tx chancery.Tx, n named) (any, error) { return tx.Tags(n.account, chancery.Tag{}, 100) },
	"Order":          func(tx chancery.Tx, n named) (any, error) { return tx.Order(n.account, n.order) },
	"UpdateOrder": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdateOrder(chancery.Order{ID: n.order, AccountID: n.account, State: chancery.Deleted, Version: 1})
	},
	"Validations":     func(tx chancery.Tx, n named) (any, error) { return tx.Validations(n.account, n.order) },
	"OrderOfInstance": func(tx chancery.Tx, n named) (any, error) { return tx.OrderOfInstance(n.account, n.instance) },
	"IssuedOrders":    func(tx chancery.Tx, n named) (any, error) { return tx.IssuedOrders(n.account, 10) },
	"MarkProved": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.MarkProved(n.account, n.order, n.name, start)
	},
	"AddEvidence": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.AddEvidence(n.account, n.order, []chancery.Evidence{{At: start, Finding: chancery.Seen}})
	},
	"Evidence":     func(tx chancery.Tx, n named) (any, error) { return tx.Evidence(n.account, n.issued) },
	"OrderKeyMade": func(tx chancery.Tx, n named) (any, error) { return tx.OrderKeyMade(n.account, n.order) },
	"NoticesSince": func(tx chancery.Tx, n named) (any, error) {
		return tx.NoticesSince(n.account, chancery.OrderFailed, start, 10)
	},
	"OrderKey":         func(tx chancery.Tx, n named) (any, error) { return tx.OrderKey(n.account, n.order) },
	"DeleteOrderKey":   func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteOrderKey(n.account, n.order) },
	"Certificate":      func(tx chancery.Tx, n named) (any, error) { return tx.Certificate(n.account, n.certificate) },
	"CertificateKeys":  func(tx chancery.Tx, n named) (any, error) { return tx.CertificateKeys(n.account, n.certificate) },
	"CertificateNamed": func(tx chancery.Tx, n named) (any, error) { return tx.CertificateNamed(n.account, n.certName) },
	"CertificateOfInstance": func(tx chancery.Tx, n named) (any, error) {
		return tx.CertificateOfInstance(n.account, n.certInst)
	},
	"CertificateOfOrder": func(tx chancery.Tx, n named) (any, error) { return tx.CertificateOfOrder(n.account, n.issued) },
	"UpdateCertificate": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdateCertificate(chancery.Certificate{ID: n.upload, AccountID: n.account, Name: "renamed", RevokedAt: start})
	},
	"DeleteCertificate": func(tx chancery.Tx, n named) (any, error) {
		return nil, errors.Join(tx.DeleteCertificate(n.account, n.certificate, start), tx.DeleteCertificate(n.account, n.upload, start))
	},
	"SettleLists":  func(tx chancery.Tx, n named) (any, error) { return tx.SettleLists(n.account, later, 100) },
	"ListsSettled": func(tx chancery.Tx, n named) (any, error) { return tx.ListsSettled(n.account, later) },
	"List": func(tx chancery.Tx, n named) (any, error) {
		kinds := []chancery.ListKind{chancery.ListOrder, chancery.ListIssued, chancery.ListUploaded}
		found, err := listed(tx.List(n.account, chancery.ListFilter{Kinds: kinds}, all))
		if err != nil {
			return nil, err
		}
		filed, err := listed(tx.List(n.account, chancery.ListFilter{Kinds: kinds, ResourceGroup: "rg-1"}, all))
		if err != nil {
			return nil, err
		}
		searched, err := listed(tx.List(n.account, chancery.ListFilter{Kinds: kinds, Keyword: "example"}, all))
		return []any{found, filed, searched}, err
	},
	"ACMEOrder": func(tx chancery.Tx, n named) (any, error) { return tx.ACMEOrder(n.account, n.order) },
	"UpdateACMEOrder": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdateACMEOrder(chancery.ACMEOrder{AccountID: n.account, OrderID: n.order, Issuer: "evil", Version: 2})
	},
	"SetProof": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.SetProof(chancery.Validation{AccountID: n.account, OrderID: n.order, Name: n.name, Token: "evil"})
	},
	"Renewal":        func(tx chancery.Tx, n named) (any, error) { return tx.Renewal(n.account, n.issued) },
	"SignedIssuance": func(tx chancery.Tx, n named) (any, error) { return tx.SignedIssuance(n.account, n.issued) },
	"OrderSteps":     func(tx chancery.Tx, n named) (any, error) { return tx.OrderSteps(n.account, n.order) },
	"HurryStep": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.HurryStep(n.account, n.order, chancery.AdvanceOrder, start.AddDate(-1, 0, 0), start)
	},
	"MarkTold":         func(tx chancery.Tx, n named) (any, error) { return nil, tx.MarkTold(n.account, n.order, start) },
	"DeleteOrderSteps": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteOrderSteps(n.account, n.order) },
	"CSR":              func(tx chancery.Tx, n named) (any, error) { return tx.CSR(n.account, n.csr) },
	"CSRKey":           func(tx chancery.Tx, n named) (any, error) { return tx.CSRKey(n.account, n.csr) },
	"CSRByKey":         func(tx chancery.Tx, n named) (any, error) { return tx.CSRByKey(n.account, n.keySHA2) },
	"UpdateCSR": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdateCSR(chancery.StoredCSR{ID: n.keyless, AccountID: n.account, Key: leafKey().text})
	},
	"DeleteCSR":   func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteCSR(n.account, n.keyless) },
	"CSRAwaited":  func(tx chancery.Tx, n named) (any, error) { return tx.CSRAwaited(n.account, n.csr) },
	"OrdersOfCSR": func(tx chancery.Tx, n named) (any, error) { return tx.OrdersOfCSR(n.account, n.csr) },
	"ListCSRs": func(tx chancery.Tx, n named) (any, error) {
		return listed(tx.ListCSRs(n.account, chancery.CSRFilter{}, all))
	},
	"Contact":       func(tx chancery.Tx, n named) (any, error) { return tx.Contact(n.account, n.contact) },
	"NewestContact": func(tx chancery.Tx, n named) (any, error) { return tx.NewestContact(n.account) },
	"UpdateContact": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdateContact(chancery.Contact{ID: n.contact, AccountID: n.account, Name: "Eve"})
	},
	"DeleteContact": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteContact(n.account, n.contact) },
	"ListContacts":  func(tx chancery.Tx, n named) (any, error) { return listed(tx.ListContacts(n.account, "", all)) },
	"Company":       func(tx chancery.Tx, n named) (any, error) { return tx.Company(n.account, n.company) },
	"NewestCompany": func(tx chancery.Tx, n named) (any, error) { return tx.NewestCompany(n.account) },
	"CompanyNamed":  func(tx chancery.Tx, n named) (any, error) { return tx.CompanyNamed(n.account, n.companyName) },
	"UpdateCompany": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdateCompany(chancery.Company{ID: n.company, AccountID: n.account, Name: "Evil"})
	},
	"DeleteCompany": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteCompany(n.account, n.company) },
	"ListCompanies": func(tx chancery.Tx, n named) (any, error) {
		byID, err := listed(tx.ListCompanies(n.account, chancery.CompanyFilter{ID: n.company}, all))
		if err != nil {
			return nil, err
		}
		every, err := listed(tx.ListCompanies(n.account, chancery.CompanyFilter{}, all))
		return []any{byID, every}, err
	},
	"User":        func(tx chancery.Tx, n named) (any, error) { return tx.User(n.account, n.userName) },
	"UserOfID":    func(tx chancery.Tx, n named) (any, error) { return tx.UserOfID(n.account, n.user) },
	"Users":       func(tx chancery.Tx, n named) (any, error) { return tx.Users(n.account) },
	"DeleteUser":  func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteUser(n.account, n.user) },
	"Group":       func(tx chancery.Tx, n named) (any, error) { return tx.Group(n.account, n.groupName) },
	"Groups":      func(tx chancery.Tx, n named) (any, error) { return tx.Groups(n.account) },
	"DeleteGroup": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteGroup(n.account, n.group) },
	"Role":        func(tx chancery.Tx, n named) (any, error) { return tx.Role(n.account, n.roleName) },
	"RoleOfID":    func(tx chancery.Tx, n named) (any, error) { return tx.RoleOfID(n.account, n.role) },
	"Roles":       func(tx chancery.Tx, n named) (any, error) { return tx.Roles(n.account) },
	"UpdateRole": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdateRole(chancery.Role{ID: n.role, AccountID: n.account, Trust: "everybody"})
	},
	"DeleteRole":   func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteRole(n.account, n.role) },
	"AddMember":    func(tx chancery.Tx, n named) (any, error) { return nil, tx.AddMember(n.account, n.group, n.stray) },
	"RemoveMember": func(tx chancery.Tx, n named) (any, error) { return nil, tx.RemoveMember(n.account, n.group, n.user) },
	"Members":      func(tx chancery.Tx, n named) (any, error) { return tx.Members(n.account, n.group) },
	"Policy":       func(tx chancery.Tx, n named) (any, error) { return tx.Policy(n.account, n.policy) },
	"Policies":     func(tx chancery.Tx, n named) (any, error) { return tx.Policies(n.account) },
	"UpdatePolicy": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdatePolicy(chancery.PolicyDocument{AccountID: n.account, Name: n.policy, Document: "all"})
	},
	"DeletePolicy": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeletePolicy(n.account, n.spare) },
	"AttachPolicy": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.AttachPolicy(chancery.Attachment{AccountID: n.account, Kind: chancery.UserPrincipal, ID: n.stray, Policy: n.policy})
	},
	"DetachPolicy": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.DetachPolicy(chancery.Attachment{AccountID: n.account, Kind: chancery.UserPrincipal, ID: n.user, Policy: n.policy})
	},
	"Attachments": func(tx chancery.Tx, n named) (any, error) { return tx.Attachments(n.account) },
	"PoliciesOf": func(tx chancery.Tx, n named) (any, error) {
		return tx.PoliciesOf(chancery.Principal{Kind: chancery.UserPrincipal, AccountID: n.account, ID: n.user})
	},
	"Sessions": func(tx chancery.Tx, n named) (any, error) { return tx.Sessions(n.account, start) },
	"RevokeSession": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.RevokeSession(n.account, n.session, start)
	},
	"RevokeSessions": func(tx chancery.Tx, n named) (any, error) { return tx.RevokeSessions(n.account, n.role, start) },
	"ConsoleLogin":   func(tx chancery.Tx, n named) (any, error) { return tx.ConsoleLogin(n.account, n.user) },
	"PutConsoleLogin": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.PutConsoleLogin(chancery.ConsoleLogin{AccountID: n.account, UserID: n.user, Hash: "other"})
	},
	"DeleteConsoleLogin": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteConsoleLogin(n.account, n.user) },
	"UseConsoleCode":     func(tx chancery.Tx, n named) (any, error) { return nil, tx.UseConsoleCode(n.account, n.user, 9) },
	"ConsoleSessions":    func(tx chancery.Tx, n named) (any, error) { return tx.ConsoleSessions(n.account) },
	"DeleteConsoleSession": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.DeleteConsoleSession(n.account, n.signed)
	},
	"DeleteConsoleSessions": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteConsoleSessions(n.account, n.user) },
	"Endings":               func(tx chancery.Tx, n named) (any, error) { return tx.Endings(n.account, start, later) },
	"AuditLines": func(tx chancery.Tx, n named) (any, error) {
		return tx.AuditLines(n.account, chancery.AuditFilter{Most: 1000})
	},
	"MarkPlanTold": func(tx chancery.Tx, n named) (any, error) {
		for i := range 10 { // until it is used up
			_, _ = tx.TakeUnit(n.account, n.product, chancery.OrderID(404+i), start)
		}
		before, err := tx.LowPlans(start, 10)
		if err != nil {
			return nil, err
		}
		if err := tx.MarkPlanTold(n.account, n.plan, 100); err != nil {
			return nil, err
		}
		after, err := tx.LowPlans(start, 10)
		return [][]chancery.Plan{before, after}, err
	},
	"TroubledCAsOf": func(tx chancery.Tx, n named) (any, error) {
		at, err := tx.ACMEOrder(n.account, n.order)
		if err == nil {
			at.FailingSince = start
			err = tx.UpdateACMEOrder(at)
		}
		if err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return nil, err
		}
		return tx.TroubledCAsOf(n.account, start)
	},
	"HasSuccessor": func(tx chancery.Tx, n named) (any, error) {
		return tx.HasSuccessor(chancery.Certificate{AccountID: n.account, CertificateFacts: chancery.CertificateFacts{CommonName: n.commonName, SANs: n.sans}})
	},
	"Notices": func(tx chancery.Tx, n named) (any, error) {
		notices, deliveries, err := tx.Notices(n.account, 10)
		return []any{notices, deliveries}, err
	},
	"Notice":             func(tx chancery.Tx, n named) (any, error) { return tx.Notice(n.account, n.notice) },
	"NoticeTargets":      func(tx chancery.Tx, n named) (any, error) { return tx.NoticeTargets(n.account) },
	"NoticeTarget":       func(tx chancery.Tx, n named) (any, error) { return tx.NoticeTarget(n.account, n.target) },
	"DeleteNoticeTarget": func(tx chancery.Tx, n named) (any, error) { return nil, tx.DeleteNoticeTarget(n.account, n.target) },
	"MarkNoticeTarget": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.MarkNoticeTarget(chancery.NoticeTarget{ID: n.target, AccountID: n.account, SentAt: start})
	},
	"Delivery": func(tx chancery.Tx, n named) (any, error) { return tx.Delivery(n.account, n.delivery) },
	"UpdateDelivery": func(tx chancery.Tx, n named) (any, error) {
		return nil, tx.UpdateDelivery(chancery.Delivery{ID: n.delivery, AccountID: n.account, State: chancery.DeliverySent})
	},
	"ForgetAudit": func(tx chancery.Tx, n named) (any, error) { return tx.ForgetAudit(n.account, later, 1000) },
}

// methodsOfNobody have no account to be asked with, each for a reason.
var methodsOfNobody = map[string]string{
	"AddAccount":              "makes the account",
	"Accounts":                "for the operator",
	"AddAccessKey":            "adds a row whose account is part of it",
	"AccessKey":               "finds out which account a request is from",
	"SigningKey":              "finds out which account a request is from",
	"UseNonce":                "nonces belong to access keys",
	"NonceUsed":               "nonces belong to access keys",
	"ForgetNonces":            "sweeps all",
	"DeleteSubmissionsBefore": "sweeps all",
	"PutSubmission":           "adds a row whose account is part of it and of its key",
	"AddPlan":                 "adds a row whose account is part of it",
	"AddOrder":                "adds a row whose account is part of it",
	"OrdersUnderReview":       "for the operator, who reviews orders of all accounts",
	"AccountOfOrder":          "for the operator, who is told an order and not whose it is",
	"AddValidations":          "adds rows whose account is part of them",
	"AddOrderKey":             "adds a row whose account is part of it",
	"AddReadyKey":             "a ready key is of nobody yet",
	"TakeReadyKey":            "a ready key is for any order",
	"CountReadyKeys":          "ready keys are of nobody yet",
	"ForgetReadyKeys":         "sweeps all",
	"AddCertificate":          "adds a row whose account is part of it",
	"AddAuthority":            "the CA is the service's",
	"Authorities":             "the CA is the service's",
	"AddIssuance":             "the CA's own record, whose account is part of it",
	"CompleteIssuance":        "names a record by the serial that the CA has just drawn",
	"Issuance":                "the CA's own record, by the serial that anybody with the certificate knows",
	"RevokeIssuance":          "changes the CA's own record",
	"RevokedIssuances":        "for the CA's CRL, which shows those of all accounts",
	"CRL":                     "the CA is the service's",
	"NewestCRL":               "the CA is the service's",
	"PutCRL":                  "the CA is the service's",
	"AddCSR":                  "adds a row whose account is part of it",
	"AddContact":              "adds a row whose account is part of it",
	"AddCompany":              "adds a row whose account is part of it",
	"AddUser":                 "adds a row whose account is part of it",
	"AddGroup":                "adds a row whose account is part of it",
	"AddRole":                 "adds a row whose account is part of it",
	"AddPolicy":               "adds a row whose account is part of it",
	"AddSession":              "adds a row whose account is part of it",
	"Session":                 "finds out which account a request is from",
	"ForgetSessions":          "sweeps all",
	"SetOperator":             "for the operator, who names the account",
	"AddConsoleSession":       "adds a row whose account is part of it",
	"ConsoleSession":          "finds out which account a cookie is of",
	"SeeConsoleSession":       "names a session by the hash of what its cookie holds",
	"AddConsoleLink":          "adds a row whose account is part of it",
	"TakeConsoleLink":         "finds out which account a link is of",
	"CountAttempt":            "those who sign in belong to no account yet",
	"ForgiveAttempt":          "those who sign in belong to no account yet",
	"ForgetAttempts":          "those who sign in belong to no account yet",
	"SweepConsole":            "sweeps all",
	"AppendAudit":             "adds a line whose account is part of it",
	"AddStep":                 "adds a row whose account is part of it",
	"ClaimSteps":              "workers serve all accounts",
	"NextStep":                "workers serve all accounts",
	"FinishStep":              "names a step by the version that only its worker knows",
	"PostponeStep":            "names a step by the version that only its worker knows",
	"ContinueStep":            "names a step by the version that only its worker knows",
	"DeferStep":               "names a step by the version that only its worker knows",
	"FailStep":                "names a step by the version that only its worker knows",
	"RecallSteps":             "takes back what a clock that was ahead wrote, whoever's it is",
	"UnsettleLists":           "likewise",
	"RenewSteps":              "names steps by the versions that only their worker knows",
	"Steps":                   "for the operator, who sees the steps of all accounts",
	"Step":                    "for the operator, who sees the steps of all accounts",
	"RetryStep":               "for the operator, who names a step and not whose it is",
	"StepBacklog":             "counts those of all accounts, for the metrics",
	"AddACMEIssuer":           "for the operator: issuers are the service's",
	"ACMEIssuer":              "issuers are the service's",
	"ACMEIssuers":             "issuers are the service's",
	"DeleteACMEIssuer":        "for the operator: issuers are the service's",
	"OpenACMEOrders":          "for the operator, who removes an issuer",
	"AddACMEAccount":          "the account at a CA is the service's",
	"ACMEAccount":             "the account at a CA is the service's",
	"SetACMEAccountURL":       "the account at a CA is the service's",
	"AddACMEOrder":            "adds a row whose account is part of it",
	"ClaimACMEAuthorization":  "tells one account from another, so that neither takes what is the other's",
	"AddACMEOpening":          "the limits of a CA are the service's",
	"ACMEOpenings":            "the limits of a CA are the service's",
	"ForgetACMEOpenings":      "the limits of a CA are the service's",
	"StaleSecrets":            "what all values are sealed with is the service's",
	"Reseal":                  "names a value by what it is",
	"AddNotice":               "adds rows whose account is part of them",
	"ForgetNotices":           "sweeps all",
	"AddNoticeTarget":         "adds a row whose account is part of it",
	"ExpiryMark":              "how far all certificates were told of",
	"SetExpiryMark":           "how far all certificates were told of",
	"ExpiringCertificates":    "looks for what is told among those of all accounts",
	"LowPlans":                "looks for what is told among those of all accounts",
	"LateCRLs":                "the CA is the service's",
	"TroubledCAs":             "looks for what is told among orders of all accounts",
	"MarkTrouble":             "adds a row whose account is part of it",
	"ForgetTroubles":          "sweeps all",
	"PutRenewal":              "writes a row whose account is part of it",
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
	var have []any
	for _, name := range []string{
		"Account", "AccessKeys", "Submission", "Plans", "Quota", "Ledger", "LedgerPage", "Order", "OrderOfInstance", "IssuedOrders",
		"Validations", "Evidence", "OrderKey", "Certificate", "CertificateKeys", "HasCertificateKey", "CertificateNamed", "CertificateOfInstance",
		"CertificateOfOrder", "SignedIssuance", "OrderSteps", "List", "ListByEnd", "ResourceGroups", "Tags", "ListsSettled",
		"CSRKey", "CSRByKey", "CSRAwaited", "ListCSRs", "ListContacts", "ListCompanies", "ACMEOrder", "Renewal",
		"Users", "Groups", "Roles", "Members", "Policies", "Attachments", "PoliciesOf", "Sessions", "ConsoleLogin", "ConsoleSessions", "Endings", "AuditLines", "Notices", "NoticeTargets", "NoticeTarget",
	} {
		answer, err := methodsOfTenants[name](tx, owner)
		have = append(have, answer, err)
	}
	upload, err := tx.CertificateKeys(owner.account, owner.upload)
	return append(have, upload, err)
}

// anotherAccountsRowsDoNotExist makes each call three times: as the owner of all
// that it names, as a stranger, and for what does not exist. The last two must
// come to the same, and leave the owner's rows as they are; the first must come
// to something else, or the comparison would say nothing.
func anotherAccountsRowsDoNotExist(t *testing.T, s chancery.Store) {
	estate := Furnish(t, s)
	owner := named{
		account: estate.Account, accessKey: estate.AccessKey.ID, product: product, submission: estate.Submission.Key,
		order: estate.Orders[chancery.DomainVerify].ID, instance: estate.Orders[chancery.DomainVerify].InstanceID,
		name:   estate.Orders[chancery.DomainVerify].Names.Common(),
		issued: estate.Orders[chancery.Issued].ID, certificate: estate.Certificate.ID,
		certInst: estate.Certificate.InstanceID, certName: estate.Certificate.Name, upload: estate.Uploaded.ID,
		csr: estate.CSR.ID, keySHA2: estate.CSR.KeySHA2, keyless: estate.Keyless.ID,
		contact: estate.Contact.ID, company: estate.Company.ID, companyName: estate.Company.Name,
	}
	owner.user, owner.userName, owner.stray = estate.User.ID, estate.User.Name, addUser(t, s, estate.Account, "stray").ID
	owner.group, owner.groupName, owner.role, owner.roleName = estate.Group.ID, estate.Group.Name, estate.Role.ID, estate.Role.Name
	owner.policy, owner.spare, owner.session = estate.Policy.Name, addPolicy(t, s, estate.Account, "spare").Name, estate.Session.AccessKeyID
	owner.signed = estate.Signed.IDHash
	owner.plan, owner.commonName, owner.sans = estate.Plan.ID, estate.Certificate.CommonName, estate.Certificate.SANs
	owner.notice, owner.target, owner.delivery = estate.Notice.ID, estate.Target.ID, estate.Delivery.ID
	stranger, nobody := owner, named{
		accessKey: "nobody", product: "none", submission: []byte("none"), order: 404, instance: "none", name: "none", issued: 404,
		certificate: 404, certInst: "none", certName: "none", upload: 404, csr: 404, keySHA2: "none", keyless: 404,
		contact: 404, company: 404, companyName: "none",
		user: 404, userName: "none", stray: 404, group: 404, groupName: "none", role: 404, roleName: "none",
		policy: "none", spare: "none", session: "none", signed: []byte("none"),
		plan: 404, commonName: "none", sans: "none", notice: 404, target: 404, delivery: 404,
	}
	stranger.account = newAccount(t, s)
	nobody.account = stranger.account
	untouched := call(t, s, func(chancery.Tx, named) (any, error) { return nil, nil }, owner, owner).After
	for name, method := range methodsOfTenants {
		t.Run(name, func(t *testing.T) {
			stranger, nobody := stranger, nobody
			if name == "Account" { // one's own account exists
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
