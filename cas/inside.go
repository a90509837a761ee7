package cas

import (
	"context"
	"time"

	"chancery"
)

// Inside are operations that the console calls and no request can name: each tells
// what another one tells, in the way a page needs it, and is allowed to whom that one
// is allowed.
func (s *Service) Inside() chancery.API {
	under := func(action string, operation chancery.Operation) chancery.Operation {
		operation.Under = action
		return operation
	}
	return chancery.API{Product: "cas", Version: "inside", RAMCode: "yundun-cert", Region: s.region(), Operations: []chancery.Operation{
		under("DescribePackageState", chancery.Bind("Holdings", chancery.AccessGet, "The plans and the quota of every product.", s.Holdings)),
		under("ListUserCertificateOrder", chancery.Bind("Estate", chancery.AccessList, "Orders and certificates in numbers, and what needs attention.", s.Estate)),
		under("ListUserCertificateOrder", chancery.Bind("Certificates", chancery.AccessList, "Certificates by when they end, also revoked ones.", s.Certificates)),
		under("ListUserCertificateOrder", chancery.Bind("Ledger", chancery.AccessList, "Which order took each unit of quota.", s.Ledger)),
		under("ListUserCertificateOrder", chancery.Bind("ResourceGroups", chancery.AccessList, "The resource groups in use.", s.ResourceGroups)),
		under("ListUserCertificateOrder", chancery.Bind("Tags", chancery.AccessList, "The tags in use.", s.Tags)),
		under("GetUserCertificateDetail", chancery.Bind("CertificateStory", chancery.AccessGet, "Everything of a certificate but its key.", s.CertificateStory)),
		under("GetUserCertificateDetail", chancery.Bind("KeyReads", chancery.AccessGet, "Who read a certificate's private key.", s.KeyReads)),
		under("GetCsrDetail", chancery.Bind("CSRStory", chancery.AccessGet, "Everything of a stored CSR but its key.", s.CSRStory)),
		under("DescribeCertificateState", chancery.Bind("OrderStory", chancery.AccessGet, "An order's life, its proofs and the looks at them.", s.OrderStory)),
		under("ListUserCertificateOrder", chancery.Bind("NameUse", chancery.AccessList, "What the account has for names already.", s.NameUse)),
		under("ListUserCertificateOrder", chancery.Bind("OrdersOfProduct", chancery.AccessList, "Orders, perhaps of one product or with one tag.", s.OrdersOfProduct)),
		under("CreateCertificateForPackageRequest", chancery.Bind("Preflight", chancery.AccessCreate, "Whether names could be proved and issued.", s.Preflight)),
		under("GetCsrDetail", chancery.Bind("CsrText", chancery.AccessGet, "A stored CSR without its key.", s.CsrText)),
	}}
}

// Nothing is the input of operations that take no parameters.
type Nothing struct{}

// Holdings are an account's plans, by product.
type Holdings struct{ Products []Holding }

// Holding is what an account has of a product.
type Holding struct {
	Product chancery.Product
	chancery.Quota
	// Left is how many applications can still be made, Until when the next of the
	// plans with some left ends; zero: never.
	Left  int64
	Until time.Time
	Plans []chancery.Plan
}

// Holdings tells the quota of each product that the account has a plan of, in the
// order of the catalogue, and those that the catalogue no longer has last.
func (s *Service) Holdings(ctx context.Context, caller chancery.Caller, _ *Nothing) (*Holdings, error) {
	out := &Holdings{}
	now := s.Clock.Now()
	err := s.Store.Read(ctx, func(tx chancery.Tx) error {
		plans, err := tx.Plans(caller.AccountID)
		if err != nil {
			return err
		}
		out.Products = s.holdings(plans, now)
		for i := range out.Products {
			h := &out.Products[i]
			if h.Quota, err = tx.Quota(caller.AccountID, h.Product.Code, now); err != nil {
				return err
			}
			h.Left = h.Total - h.Used
		}
		return nil
	})
	return out, err
}

// holdings sorts plans by product.
func (s *Service) holdings(plans []chancery.Plan, now time.Time) (list []Holding) {
	of := map[string]*Holding{}
	var unknown []chancery.Product
	for _, p := range plans {
		h := of[p.ProductCode]
		if h == nil {
			product, err := s.Catalogue.Find(p.ProductCode)
			if err != nil {
				product = chancery.Product{Code: p.ProductCode, Name: p.ProductCode}
				unknown = append(unknown, product)
			}
			h = &Holding{Product: product}
			of[p.ProductCode] = h
		}
		h.Plans = append(h.Plans, p)
		if p.Used < p.Total && !p.ExpiresAt.IsZero() && !p.Expired(now) && (h.Until.IsZero() || p.ExpiresAt.Before(h.Until)) {
			h.Until = p.ExpiresAt
		}
	}
	for _, product := range append(append([]chancery.Product{}, s.Catalogue...), unknown...) {
		if h := of[product.Code]; h != nil {
			list = append(list, *h)
		}
	}
	return list
}
