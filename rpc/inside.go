package rpc

import (
	"context"
	"net/netip"
	"time"

	"chancery"
	"chancery/ram"
)

// Visitor is somebody whom another part of this process, the console, has
// authenticated, and for whom it calls operations.
type Visitor struct {
	Principal chancery.Principal
	// AccessKeyID is what they signed in with; it stands in the audit log. Empty: a
	// password.
	AccessKeyID string
	Address     netip.Addr
	Secure      bool // they came over TLS
	// WithoutKeys takes private keys out of answers, whatever the policies say.
	WithoutKeys bool
}

// Call makes a call for a visitor: the way of a signed request from where its
// signature has proved right. It counts for the account's rate, the visitor's
// policies decide, private keys are withheld from who may not read them, and it
// leaves a line in the audit log and one log event. The output is a pointer to the
// operation's Output; Explain turns err into what a caller may see.
func (g *Gateway) Call(ctx context.Context, v Visitor, version, action string, parameters chancery.Parameters) (output any, err error) {
	c := g.callOf(v)
	c.parameters = parameters
	output, err = guarded(func() (any, error) {
		if err := g.findInside(c, version, action); err != nil {
			return nil, err
		}
		return g.run(ctx, c)
	})
	a := answer{status: 200}
	if err != nil {
		row, _ := lookUp(err)
		a.status, a.code, output = row.Status, row.Code, nil
	}
	g.log(ctx, c, output, a, err, nil)
	g.Metrics.observe(c, a, time.Since(c.began))
	return output, err
}

func (g *Gateway) callOf(v Visitor) *call {
	id := newRequestID()
	return &call{
		id: id, trace: randomHex(16), began: time.Now(), scheme: "console", address: v.Address, claimed: v.AccessKeyID, //nolint:forbidigo // it measures
		caller: chancery.Caller{
			Principal: v.Principal, AccountID: v.Principal.AccountID, AccessKeyID: v.AccessKeyID,
			RequestID: id, Address: v.Address, Secure: v.Secure,
		},
		trail: &trail{accessKeyID: v.AccessKeyID}, withoutKeys: v.WithoutKeys,
	}
}

// findInside finds an operation in any table; without a version, in the first that
// has it.
func (g *Gateway) findInside(c *call, version, action string) error {
	for _, apis := range [][]chancery.API{g.APIs, g.Inside} {
		for _, api := range apis {
			for _, operation := range api.Operations {
				if operation.Name == action && (version == "" || api.Version == version) {
					c.api, c.operation = api, operation
					return nil
				}
			}
		}
	}
	return chancery.Errorf(InvalidActionNotFound, "version %q has no operation %s", version, action)
}

// Permissions are a visitor's, as they were when they were asked for.
type Permissions struct {
	gateway *Gateway
	visitor Visitor
	rules   *policies // nil: the account, which may do everything in it
}

// PermissionsOf reads what a visitor may do, for those who show no more than that.
func (g *Gateway) PermissionsOf(ctx context.Context, v Visitor) (Permissions, error) {
	may := Permissions{gateway: g, visitor: v}
	if v.Principal.Kind == chancery.AccountPrincipal {
		return may, nil
	}
	var err error
	may.rules, err = g.loadPolicies(ctx, g.callOf(v))
	return may, err
}

// Allow tells whether the visitor may do the action, as "yundun-cert:ListCsr", on a
// resource, as "order/55"; an empty one stands for all there are. Several are names of
// one thing.
func (p Permissions) Allow(action string, resources ...string) bool {
	if p.rules == nil {
		return true
	}
	request := ram.Request{Action: action, Context: ram.Context{
		SourceIP: p.visitor.Address, Time: p.gateway.Clock.Now(), Secure: p.visitor.Secure, PrincipalARN: p.visitor.Principal.ARN(),
	}}
	for _, resource := range resources {
		request.Resources = append(request.Resources, p.gateway.apiOf(action).FullName(p.visitor.Principal.AccountID, resource))
	}
	return p.rules.allow(request).Allowed
}

// apiOf finds the table whose resources an action is about.
func (g *Gateway) apiOf(action string) chancery.API {
	for _, api := range append([]chancery.API{chancery.AccessAPI()}, g.APIs...) {
		if len(action) > len(api.RAMCode) && action[:len(api.RAMCode)+1] == api.RAMCode+":" {
			return api
		}
	}
	return chancery.OperatorAPI()
}

// Explain finds what a caller gets for an error of Call: its row of the error table,
// and the message.
func Explain(err error) (ErrorRow, string) { return lookUp(err) }

// NewRequestID draws an id for what is not a request of the API and is logged like one.
func NewRequestID() string { return newRequestID() }
