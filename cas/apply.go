package cas

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"time"

	"chancery"
	"chancery/internal/failpoint"
)

// application is what the Create calls have in common once each has read its
// own parameters.
type application struct {
	operation   string
	input       any // the Input struct, by value
	clientToken string

	productCode  string
	names        chancery.Names
	validateType string
	applicant    chancery.Applicant
	tags         []Tag
	csr          []byte

	// anyLevel lets OV products pass, as the package calls do.
	anyLevel      bool
	company       string
	renews        chancery.OrderID
	resourceGroup string // "" leaves it to the tags
}

// apply checks an application and opens its order. Everything that is refused
// for its own sake is refused before the transaction; quota, order, proof,
// submission record and background steps then commit together.
func (s *Service) apply(ctx context.Context, caller chancery.Caller, a application) (*CreateOutput, error) {
	now := s.Clock.Now()
	draft, validations, err := s.draft(caller, a, now)
	if err != nil {
		return nil, err
	}
	product, err := s.Catalogue.Find(draft.ProductCode)
	if err != nil {
		return nil, err
	}
	submission, err := s.submissionOf(caller, a, now)
	if err != nil {
		return nil, err
	}
	opened := draft.ID
	err = s.Store.Write(ctx, func(tx chancery.Tx) error {
		opened = draft.ID
		caller.Concerns(orderResource(int64(opened)))
		first, err := earlier(tx, submission, a.clientToken != "")
		if err != nil {
			return err
		}
		if first != 0 {
			opened = first
			caller.Concerns(orderResource(int64(opened)))
			return nil
		}
		if err := open(tx, draft, product, validations, submission); err != nil {
			return err
		}
		failpoint.Hit("create.before-commit")
		return nil
	})
	if err != nil {
		return nil, err
	}
	failpoint.Hit("create.committed")
	s.Wake()
	if product.ProvesItself() {
		s.awaitProofs(ctx, caller.AccountID, opened)
	}
	return &CreateOutput{OrderId: int64(opened)}, nil
}

// draft is the order that a is for, and what will have to be published.
func (s *Service) draft(caller chancery.Caller, a application, now time.Time) (chancery.Order, []chancery.Validation, error) {
	none := chancery.Order{}
	method, err := chancery.ParseMethod(a.validateType)
	if err != nil {
		return none, nil, err
	}
	product, err := s.Catalogue.Find(a.productCode)
	if err != nil {
		return none, nil, err
	}
	if product.Level != chancery.DV && !a.anyLevel {
		return none, nil, chancery.Errorf(chancery.InvalidParameter, "ProductCode: %s is an %s product; this call is for DV products, CreateCertificateForPackageRequest for all", product.Code, product.Level)
	}
	tags := make([]chancery.Tag, len(a.tags))
	for i, tag := range a.tags {
		tags[i] = chancery.Tag(tag)
	}
	validations, err := validationsOf(product, a.names, method, now)
	if err := cmp.Or(product.CheckNames(a.names), err, checkApplicant(a.applicant), chancery.CheckTags(tags)); err != nil {
		return none, nil, err
	}
	order := chancery.Order{
		ID: chancery.NewOrderID(), AccountID: caller.AccountID, InstanceID: chancery.NewInstanceID(), AccessKeyID: caller.AccessKeyID,
		ProductCode: product.Code, Names: a.names, Method: method, Applicant: a.applicant, Tags: tags, CSR: a.csr,
		ResourceGroup: resourceGroup(a.resourceGroup, tags), Company: a.company, Renews: a.renews,
		State: chancery.DomainVerify, CreatedAt: now, ProveBy: now.Add(s.ProofWindow), Version: 1,
	}
	if product.Review {
		order.Review = chancery.ReviewPending
	}
	for i := range validations {
		validations[i].OrderID, validations[i].AccountID = order.ID, order.AccountID
	}
	return order, validations, nil
}

// validationsOf is what has to be published, or, where the issuer says that, a place
// for it.
func validationsOf(product chancery.Product, names chancery.Names, method chancery.Method, now time.Time) ([]chancery.Validation, error) {
	if product.ProvesItself() {
		return chancery.NewCAValidations(names, method)
	}
	return chancery.NewValidations(names, method, now)
}

const maxContactChars = 256

// checkApplicant lets any text pass that a person could read.
func checkApplicant(a chancery.Applicant) error {
	return cmp.Or(
		chancery.CheckText("Username", a.Username, maxContactChars),
		chancery.CheckText("Phone", a.Phone, maxContactChars),
		chancery.CheckText("Email", a.Email, maxContactChars),
	)
}

// open writes all rows of a new order.
func open(tx chancery.Tx, order chancery.Order, product chancery.Product, validations []chancery.Validation, submission *chancery.Submission) error {
	plan, err := tx.TakeUnit(order.AccountID, order.ProductCode, order.ID, order.CreatedAt)
	if errors.Is(err, chancery.ErrNotFound) {
		return noQuota(tx, order)
	}
	if err != nil {
		return err
	}
	order.PlanID = plan
	if order.CSRID, err = csrOfOrder(tx, order); err != nil {
		return err
	}
	if err := tx.AddOrder(order); err != nil {
		return err
	}
	if err := tx.AddValidations(validations); err != nil {
		return err
	}
	if submission != nil {
		submission.OrderID = order.ID
		if err := tx.PutSubmission(*submission); err != nil {
			return err
		}
	}
	if product.ProvesItself() {
		if err := openAtCA(tx, order, product.Issuer); err != nil {
			return err
		}
	}
	return addSteps(tx, order, product)
}

func addSteps(tx chancery.Tx, order chancery.Order, product chancery.Product) error {
	look := chancery.Step{Kind: chancery.AdvanceOrder, AccountID: order.AccountID, OrderID: order.ID, DueAt: order.CreatedAt.Add(firstLook)}
	if err := tx.AddStep(look); err != nil || !order.MakesKey() || product.KeyAlgorithm.QuickToMake() {
		return err
	}
	return tx.AddStep(chancery.Step{Kind: chancery.PrepareKey, AccountID: order.AccountID, OrderID: order.ID, DueAt: order.CreatedAt})
}

// noQuota tells apart a plan that is used up, one that has ended, and none.
func noQuota(tx chancery.Tx, order chancery.Order) error {
	plans, err := tx.Plans(order.AccountID)
	if err != nil {
		return err
	}
	var ended time.Time
	for _, plan := range plans {
		switch {
		case plan.ProductCode != order.ProductCode:
		case !plan.Expired(order.CreatedAt):
			return chancery.Errorf(chancery.NotRemainCount, "all applications of the plans for %s are used; delete failed or withdrawn orders to get theirs back, or have another plan granted", order.ProductCode)
		case plan.ExpiresAt.After(ended):
			ended = plan.ExpiresAt
		}
	}
	if !ended.IsZero() {
		return chancery.Errorf(chancery.NotFoundPackage, "the plan for %s ended on %s; have another one granted", order.ProductCode, ended.Format(time.DateOnly))
	}
	return chancery.Errorf(chancery.NotFoundPackage, "this account has no plan for %s; have one granted", order.ProductCode)
}

// resourceGroup is the one named, else that of the reserved tag, else the default.
func resourceGroup(named string, tags []chancery.Tag) string {
	for _, tag := range tags {
		if tag.Key == chancery.ResourceGroupTag && named == "" {
			named = tag.Value
		}
	}
	if named == "" {
		return chancery.DefaultResourceGroup
	}
	return named
}

func orderResource(id int64) string { return "order/" + strconv.FormatInt(id, 10) }
