package cas

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"chancery"
)

// OrderInput names an order.
type OrderInput struct {
	// The order, as a Create call answered it.
	OrderId int64 `api:"required"`
}

// Resource names what the call is about, for the log.
func (in *OrderInput) Resource() string { return orderResource(in.OrderId) }

// DescribeCertificateStateInput is what DescribeCertificateState takes.
type DescribeCertificateStateInput struct {
	// The order, as a Create call answered it.
	OrderId int64 `api:"required"`
	// Chancery's own: true adds Order and Looks to the answer.
	Verbose bool
}

// Resource names what the call is about, for the log.
func (in *DescribeCertificateStateInput) Resource() string { return orderResource(in.OrderId) }

// DescribeCertificateStateOutput is what DescribeCertificateState answers. Which
// fields are there depends on Type.
type DescribeCertificateStateOutput struct {
	// payed (withdrawn), domain_verify (waits for the proof), process (the issuer
	// is at work), verify_fail, certificate (issued), or unknow.
	Type string
	// DNS or FILE; with domain_verify.
	ValidateType string `json:",omitempty" xml:",omitempty"`
	// TXT; with domain_verify and DNS.
	RecordType string `json:",omitempty" xml:",omitempty"`
	// The full name of the record; with domain_verify and DNS.
	RecordDomain string `json:",omitempty" xml:",omitempty"`
	// The value of the record; with domain_verify and DNS.
	RecordValue string `json:",omitempty" xml:",omitempty"`
	// The host that must serve the file; with domain_verify and FILE.
	Domain string `json:",omitempty" xml:",omitempty"`
	// The path of the file; with domain_verify and FILE.
	Uri string `json:",omitempty" xml:",omitempty"`
	// The content of the file; with domain_verify and FILE.
	Content string `json:",omitempty" xml:",omitempty"`
	// The certificate and its chain in PEM, leaf first; with certificate.
	Certificate string `json:",omitempty" xml:",omitempty"`
	// The private key in PEM; with certificate, unless the CSR was the caller's or the
	// caller may not read it.
	PrivateKey string `json:",omitempty" xml:",omitempty"`
	// The certificate's id; with certificate.
	CertId string `json:",omitempty" xml:",omitempty"`
	// Chancery's own: why the order failed; with verify_fail.
	Reason string `json:",omitempty" xml:",omitempty"`
	// Chancery's own: the order itself; with Verbose.
	Order *OrderDetail `json:",omitempty" xml:",omitempty"`
	// Chancery's own: what to publish for each name, and whether it was seen; with Verbose.
	Proofs []Proof `json:",omitempty" xml:",omitempty"`
	// Chancery's own: every look at the proof, oldest first; with Verbose.
	Looks []Look `json:",omitempty" xml:",omitempty"`
	// Chancery's own: when the CA suggests to renew (RFC 9773); with certificate and Verbose.
	Renewal *Renewal `json:",omitempty" xml:",omitempty"`
}

// Renewal is the window in which a CA suggests to renew. Times are Unix milliseconds.
type Renewal struct {
	Start int64
	End   int64
	// A page of the CA that tells why.
	Explanation string `json:",omitempty" xml:",omitempty"`
	// When the CA said so.
	Time int64
}

// RevealsKey implements chancery.KeyHolder.
func (o *DescribeCertificateStateOutput) RevealsKey() bool { return o.PrivateKey != "" }

// KeyResources implements chancery.KeyHolder; the order is the call's own.
func (o *DescribeCertificateStateOutput) KeyResources() []string {
	return []string{"certificate/" + o.CertId}
}

// WithholdKey implements chancery.KeyHolder.
func (o *DescribeCertificateStateOutput) WithholdKey() { o.PrivateKey = "" }

// OrderDetail is what a verbose answer tells of the order. Times are Unix milliseconds.
type OrderDetail struct {
	Domain      string
	ProductCode string
	InstanceId  string
	CreateTime  int64
	ProveBefore int64
	ProveTime   int64 `json:",omitempty" xml:",omitempty"`
	IssueTime   int64 `json:",omitempty" xml:",omitempty"`
	// When the next look at the proof is due; left out while the service has stopped
	// looking, and Delay says why.
	NextLookTime int64 `json:",omitempty" xml:",omitempty"`
	// True while the order waits for the operator's review.
	UnderReview bool `json:",omitempty" xml:",omitempty"`
	// The CA that has the order, unless it is the embedded one.
	Issuer string `json:",omitempty" xml:",omitempty"`
	// Why background work on the order waits, if it failed last time, failed so often
	// that the operator has to look into it, or the CA wants to be asked later.
	Delay string `json:",omitempty" xml:",omitempty"`
}

// Proof is what to publish for one name.
type Proof struct {
	Domain       string
	ValidateType string
	RecordType   string `json:",omitempty" xml:",omitempty"`
	RecordDomain string `json:",omitempty" xml:",omitempty"`
	RecordValue  string `json:",omitempty" xml:",omitempty"`
	Uri          string `json:",omitempty" xml:",omitempty"`
	Content      string `json:",omitempty" xml:",omitempty"`
	// When it was seen, in Unix milliseconds; absent until then.
	ProveTime int64 `json:",omitempty" xml:",omitempty"`
}

func proofOf(v chancery.Validation) Proof {
	p := Proof{Domain: string(v.Name), ValidateType: string(v.Method)}
	switch {
	case !v.Given():
	case v.Method == chancery.DNS:
		p.RecordType, p.RecordDomain, p.RecordValue = "TXT", v.Record(), v.Token
	default:
		p.Uri, p.Content = v.Path(), v.Token
	}
	if !v.ProvedAt.IsZero() {
		p.ProveTime = v.ProvedAt.UnixMilli()
	}
	return p
}

// Look is one look at the proof, or several in a row that came to the same.
type Look struct {
	Time    int64 // Unix milliseconds, of the newest
	Where   string
	Finding string
	Detail  string `json:",omitempty" xml:",omitempty"`
	Count   int64
}

// DescribeCertificateState tells how an order stands: what to publish while it
// waits for its proof, and certificate and private key once it is issued. While the
// issuer has not said yet what to publish, nothing is told of it. A call also hastens the next look at the proof, at most once in a few seconds, sooner
// while the order is new, and waits a moment for what that comes to: who has published
// gets the certificate in the same answer.
//
// Errors: MissingParameter, InvalidParameter (400); NotFoundOrder (404).
func (s *Service) DescribeCertificateState(ctx context.Context, caller chancery.Caller, in *DescribeCertificateStateInput) (*DescribeCertificateStateOutput, error) {
	out := &DescribeCertificateStateOutput{}
	o, how, err := s.tell(ctx, caller, in, out)
	if err != nil {
		return nil, err
	}
	if how == leave {
		return out, nil
	}
	looked, err := s.hasten(ctx, caller, o, how)
	if err == nil && looked {
		_, _, err = s.tell(ctx, caller, in, out)
	}
	return out, err
}

// tell fills in the answer, and says what the call does to the next look.
func (s *Service) tell(ctx context.Context, caller chancery.Caller, in *DescribeCertificateStateInput, out *DescribeCertificateStateOutput) (o chancery.Order, how hastening, err error) {
	err = s.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		*out = DescribeCertificateStateOutput{}
		if o, err = order(tx, caller, in.OrderId); err != nil {
			return err
		}
		if err := errors.Join(describe(tx, o, out), nameSharedKey(tx, caller, o.CSRID)); err != nil {
			return err
		}
		if out.RecordValue != "" || out.Content != "" {
			if how, err = s.hastens(tx, o); err != nil {
				return err
			}
		}
		if !in.Verbose {
			return nil
		}
		return detail(tx, o, out)
	})
	return o, how, err
}

func describe(tx chancery.Tx, o chancery.Order, out *DescribeCertificateStateOutput) error {
	out.Type = outside(o.State)
	switch o.State {
	case chancery.DomainVerify:
		return describeProof(tx, o, out)
	case chancery.VerifyFail:
		out.Reason = o.Reason
	case chancery.Issued:
		return describeCertificate(tx, o, out)
	case chancery.Payed, chancery.Process, chancery.Revoked, chancery.Deleted:
	}
	return nil
}

// outside is the Type of a state; the API has no word for a revoked order.
func outside(state chancery.State) string {
	if state == chancery.Revoked {
		return "unknow"
	}
	return string(state)
}

func describeProof(tx chancery.Tx, o chancery.Order, out *DescribeCertificateStateOutput) error {
	v, err := firstOpen(tx, o)
	if err != nil {
		return err
	}
	p := proofOf(v)
	out.ValidateType, out.RecordType, out.RecordDomain, out.RecordValue = p.ValidateType, p.RecordType, p.RecordDomain, p.RecordValue
	if v.Method == chancery.FILE && v.Given() {
		out.Domain, out.Uri, out.Content = p.Domain, p.Uri, p.Content
	}
	return nil
}

// firstOpen is the proof to publish next: the answer has room for one. Where the
// proof is Chancery's own, all names of an order have the same value.
func firstOpen(tx chancery.Tx, o chancery.Order) (chancery.Validation, error) {
	all, err := tx.Validations(o.AccountID, o.ID)
	if err != nil {
		return chancery.Validation{}, err
	}
	for _, v := range all {
		if v.ProvedAt.IsZero() {
			return v, nil
		}
	}
	return chancery.Validation{}, fmt.Errorf("order %d waits for a proof and has none open", o.ID)
}

func describeCertificate(tx chancery.Tx, o chancery.Order, out *DescribeCertificateStateOutput) error {
	certificate, err := tx.CertificateKeys(o.AccountID, o.CertificateID)
	if errors.Is(err, chancery.ErrNotFound) { // deleted, and its key with it
		certificate, err = tx.CertificateOfOrder(o.AccountID, o.ID)
	}
	if err != nil {
		return err
	}
	out.Certificate = certificate.PEM
	out.PrivateKey = string(certificate.Key.Reveal())
	out.CertId = strconv.FormatInt(int64(certificate.ID), 10)
	return nil
}

func detail(tx chancery.Tx, o chancery.Order, out *DescribeCertificateStateOutput) error {
	looks, err := tx.Evidence(o.AccountID, o.ID)
	if err != nil {
		return err
	}
	validations, err := tx.Validations(o.AccountID, o.ID)
	if err != nil {
		return err
	}
	for _, v := range validations {
		out.Proofs = append(out.Proofs, proofOf(v))
	}
	for _, look := range looks {
		out.Looks = append(out.Looks, Look{
			Time: look.At.UnixMilli(), Where: look.Where, Finding: string(look.Finding), Detail: look.Detail, Count: look.Count,
		})
	}
	out.Order = &OrderDetail{
		Domain: o.Names.String(), ProductCode: o.ProductCode, InstanceId: o.InstanceID,
		CreateTime: o.CreatedAt.UnixMilli(), ProveBefore: o.ProveBy.UnixMilli(),
		UnderReview: o.State == chancery.Process && o.Review == chancery.ReviewPending,
	}
	if !o.ProvedAt.IsZero() {
		out.Order.ProveTime = o.ProvedAt.UnixMilli()
	}
	if !o.IssuedAt.IsZero() {
		out.Order.IssueTime = o.IssuedAt.UnixMilli()
	}
	steps, err := tx.OrderSteps(o.AccountID, o.ID)
	for _, step := range steps {
		switch step.Kind {
		case chancery.AdvanceOrder:
			if step.ParkedAt.IsZero() {
				out.Order.NextLookTime = step.DueAt.UnixMilli()
			}
			out.Order.Delay = cmp.Or(out.Order.Delay, step.LastError)
		case chancery.OpenOrder:
			out.Order.Delay = cmp.Or(step.LastError, out.Order.Delay)
		case chancery.PrepareKey, chancery.Sweep, chancery.RevokeOrder, chancery.AskRenewal, chancery.Reseal,
			chancery.DeliverNotice, chancery.FindExpiring, chancery.FindTrouble:
		}
	}
	if err != nil {
		return err
	}
	return atCA(tx, o, out)
}

// atCA tells which CA has the order, and when it suggests to renew.
func atCA(tx chancery.Tx, o chancery.Order, out *DescribeCertificateStateOutput) error {
	at, err := tx.ACMEOrder(o.AccountID, o.ID)
	if errors.Is(err, chancery.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	out.Order.Issuer = at.Issuer
	renewal, err := tx.Renewal(o.AccountID, o.ID)
	if errors.Is(err, chancery.ErrNotFound) {
		return nil
	}
	out.Renewal = &Renewal{Start: renewal.Start.UnixMilli(), End: renewal.End.UnixMilli(), Explanation: renewal.Explanation, Time: renewal.FetchedAt.UnixMilli()}
	return err
}
