package rpc

import (
	"context"
	"fmt"
	"sync"

	"chancery"
	"chancery/ram"
)

// policies are those of a caller. Both parts must allow what is to be allowed.
type policies struct {
	identity []ram.Policy
	session  []ram.Policy // narrows the identity's; nil without a session policy
}

// allow gives the decision of both parts.
func (p *policies) allow(request ram.Request) ram.Decision {
	decision := ram.Evaluate(p.identity, request)
	if decision.Allowed && p.session != nil {
		decision = ram.Evaluate(p.session, request)
	}
	return decision
}

// loadPolicies reads them anew for each request, so that a change counts at once.
func (g *Gateway) loadPolicies(ctx context.Context, c *call) (*policies, error) {
	var attached []chancery.Attached
	err := g.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		attached, err = tx.PoliciesOf(c.caller.Principal)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("loading policies: %w", err)
	}
	loaded := &policies{}
	for _, a := range attached {
		policy, err := g.parsed.read(a)
		if err != nil {
			return nil, err
		}
		loaded.identity = append(loaded.identity, policy)
	}
	if c.session != nil && c.session.Policy != "" {
		narrow, err := g.parsed.read(chancery.Attached{Policy: "of the session", Document: c.session.Policy})
		if err != nil {
			return nil, err
		}
		loaded.session = []ram.Policy{narrow}
	}
	return loaded, nil
}

// policyCache keeps what parsing made of documents: it costs more than deciding. A
// parsed policy follows from its name and document alone and is only read.
type policyCache struct {
	mu     sync.Mutex // guards parsed
	parsed map[chancery.Attached]ram.Policy
}

// maxParsed bounds the cache to a few megabytes; a full one begins anew.
const maxParsed = 1000

func (p *policyCache) read(a chancery.Attached) (ram.Policy, error) {
	p.mu.Lock()
	policy, ok := p.parsed[a]
	p.mu.Unlock()
	if ok {
		return policy, nil
	}
	policy, err := ram.Read(a)
	if err != nil {
		return ram.Policy{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parsed == nil || len(p.parsed) >= maxParsed {
		p.parsed = map[chancery.Attached]ram.Policy{}
	}
	p.parsed[a] = policy
	return policy, nil
}
