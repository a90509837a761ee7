package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"chancery"
	"chancery/ram"
)

// Simulation asks whether a user, or somebody who uses a role, may do something.
type Simulation struct {
	AccountID chancery.AccountID `json:"accountId"`
	User      string             `json:"user,omitempty"`
	Role      string             `json:"role,omitempty"`
	// Session names the use of the role; default "simulation".
	Session string `json:"session,omitempty"`
	// Action without a prefix is one of CAS. Those of the console are ram:CreateUser and the
	// like and, for an operator's account, chancery:review.list and the like.
	Action string `json:"action"`
	// Resources are all names of the one object: order/55, or full. None: no single one.
	Resources []string `json:"resources,omitempty"`
	// SourceIP is where the call comes from; absent: from nowhere that a policy knows.
	SourceIP netip.Addr `json:"sourceIp,omitzero"`
	Time     time.Time  `json:"time,omitzero"` // default now
	Secure   bool       `json:"secure,omitempty"`
}

// Verdict is what the gateway would decide, and why.
type Verdict struct {
	Allowed   bool     `json:"allowed"`
	Explicit  bool     `json:"explicit"` // a Deny statement decided
	Principal string   `json:"principal"`
	Action    string   `json:"action"`
	Resources []string `json:"resources"`
	// Policy and Statement, counted from 1, decided; absent: none did.
	Policy    string `json:"policy,omitempty"`
	Statement int    `json:"statement,omitempty"`
	// Through are who has the policy: the user, its groups, or the role.
	Through []string `json:"through,omitempty"`
	Reason  string   `json:"reason"`
	// Notes are what makes the verdict depend on more than was said.
	Notes []string `json:"notes,omitempty"`
}

// SimulatePolicy decides as the gateway does for a call that only differs in what
// is given here.
func (a *Admin) SimulatePolicy(ctx context.Context, in Simulation) (verdict Verdict, err error) {
	if (in.User == "") == (in.Role == "") {
		return verdict, errors.New("name a user or a role")
	}
	action, err := findAction(in.Action)
	if err != nil {
		return verdict, err
	}
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		principal, err := in.principal(tx, account)
		if err != nil {
			return err
		}
		request := ram.Request{Action: action.name, Context: ram.Context{
			SourceIP: in.SourceIP, Time: in.Time, Secure: in.Secure, PrincipalARN: principal.ARN(),
		}}
		if in.Time.IsZero() {
			request.Context.Time = a.Clock.Now()
		}
		if request.Resources, err = fullNames(action, account, in.Resources); err != nil {
			return err
		}
		verdict = Verdict{Principal: principal.ARN(), Action: action.name, Resources: request.Resources}
		if action.everyone {
			verdict.Allowed, verdict.Reason = true, "everyone may do it; no policy is asked"
			return nil
		}
		if err := verdict.decide(tx, principal, request); err != nil || !verdict.Allowed || !action.operators {
			return err
		}
		return verdict.operate(tx, account)
	})
	return verdict, err
}

func (in Simulation) principal(tx chancery.Tx, account chancery.AccountID) (chancery.Principal, error) {
	if in.User != "" {
		user, err := theUser(tx, account, in.User)
		return user.Principal(), err
	}
	role, err := theRole(tx, account, in.Role)
	return chancery.Principal{
		Kind: chancery.RolePrincipal, AccountID: account, ID: role.ID, Name: role.Name, Session: cmp.Or(in.Session, "simulation"),
	}, err
}

// fullNames completes the names of an object as the gateway does.
func fullNames(action knownAction, account chancery.AccountID, names []string) ([]string, error) {
	if len(names) == 0 {
		return []string{action.api.FullName(account, "")}, nil
	}
	const colons = 4
	full := make([]string, len(names))
	for i, name := range names {
		role, isRole := strings.CutPrefix(name, "role/")
		kind, _, _ := strings.Cut(name, "/")
		kinds := resourceKinds(action.api)
		switch {
		case len(action.api.Operations) == 0 && name != "*": // a call of the console
			return nil, fmt.Errorf("%s is about no single resource; leave %q out", action.name, name)
		case strings.HasPrefix(name, "acs:") && strings.Count(name, ":") >= colons:
			full[i] = name
		case action.name == ram.AssumeRole && isRole:
			full[i] = chancery.Role{AccountID: account, Name: role}.ARN()
		case action.name != ram.AssumeRole && (name == "*" || slices.Contains(kinds, kind) && kind != name):
			full[i] = action.api.FullName(account, name)
		case action.name == ram.AssumeRole:
			return nil, fmt.Errorf("%q is no role; write role/NAME, or acs:ram::ACCOUNT:role/NAME for another account's", name)
		default:
			return nil, fmt.Errorf("%q is no resource; write %s/ID, * for no single one, or a full name as acs:%s:%s:%d:order/55",
				name, strings.Join(kinds, "/ID, "), action.api.RAMCode, action.api.Region, account)
		}
	}
	return full, nil
}

// decide asks the policies of the principal, and for the use of a role its trust
// policy as well.
func (v *Verdict) decide(tx chancery.Tx, principal chancery.Principal, request ram.Request) error {
	attached, err := tx.PoliciesOf(principal)
	if err != nil {
		return err
	}
	policies, err := ram.ReadAll(attached)
	if err != nil {
		return err
	}
	decision := ram.Evaluate(policies, request)
	v.Allowed, v.Explicit, v.Policy, v.Statement = decision.Allowed, decision.Explicit, decision.Policy, decision.Statement
	if v.Through, err = through(tx, principal, decision.Policy); err != nil {
		return err
	}
	who := fmt.Sprintf("%s %s", principal.Kind, principal.Name)
	statement := fmt.Sprintf("statement %d of policy %s, which %s has", v.Statement, v.Policy, strings.Join(v.Through, " and "))
	switch {
	case v.Allowed:
		v.Reason = statement
	case v.Explicit:
		v.Reason = statement + ", denies it"
	default:
		v.Reason = fmt.Sprintf("no policy of %s allows it", who)
	}
	if !request.Context.SourceIP.IsValid() && dependsOnSource(policies, request) {
		v.Notes = append(v.Notes, "it depends on where the call comes from, which was not said")
	}
	if v.Allowed && v.Action == ram.AssumeRole {
		return v.trust(tx, principal, request)
	}
	return nil
}

// operate asks whether the account is one whose principals operate the instance, without
// which no policy lets them.
func (v *Verdict) operate(tx chancery.Tx, id chancery.AccountID) error {
	account, err := tx.Account(id)
	if err != nil || account.Operator {
		return err
	}
	v.Allowed, v.Policy, v.Statement, v.Through = false, "", 0, nil
	v.Reason = fmt.Sprintf("the policies allow it, but account %d does not operate the instance; `chancery account operator %d` has it do so", id, id)
	return nil
}

// through tells who has the policy that decided: it may be some of a user's groups.
func through(tx chancery.Tx, principal chancery.Principal, policy string) ([]string, error) {
	has, err := possessions(tx, principal.AccountID)
	if err != nil || policy == "" {
		return nil, err
	}
	var who []string
	if slices.Contains(has.of(policy, principal.Kind), principal.Name) {
		who = append(who, fmt.Sprintf("%s %s", principal.Kind, principal.Name))
	}
	for _, group := range has.of(policy, chancery.GroupPrincipal) {
		if principal.Kind == chancery.UserPrincipal && slices.Contains(has.groups[principal.ID], group) {
			who = append(who, "group "+group)
		}
	}
	return who, nil
}

// dependsOnSource tells whether a request without an address would be decided
// otherwise with the right one, or the wrong one.
func dependsOnSource(policies []ram.Policy, request ram.Request) bool {
	asks := func(c ram.Condition) bool { return c.Key == "acs:SourceIp" }
	// with gives the policies as if the conditions on the address held for statements
	// of this effect, and failed for the others.
	with := func(effect ram.Effect) []ram.Policy {
		changed := make([]ram.Policy, len(policies))
		for i, policy := range policies {
			changed[i].Name = policy.Name
			for _, s := range policy.Statements {
				if slices.ContainsFunc(s.Conditions, asks) && s.Effect != effect {
					continue
				}
				s.Conditions = slices.DeleteFunc(slices.Clone(s.Conditions), asks)
				changed[i].Statements = append(changed[i].Statements, s)
			}
		}
		return changed
	}
	return ram.Evaluate(with(ram.Allow), request).Allowed != ram.Evaluate(with(ram.Deny), request).Allowed
}

// trust asks the role that is to be assumed.
func (v *Verdict) trust(tx chancery.Tx, principal chancery.Principal, request ram.Request) error {
	account, name, ok := roleOfARN(request.Resources[0])
	if !ok {
		return nil
	}
	role, err := tx.Role(account, name)
	if errors.Is(err, chancery.ErrNotFound) {
		v.Allowed, v.Policy, v.Statement, v.Through = false, "", 0, nil
		v.Reason = fmt.Sprintf("there is no role %s in account %d", name, account)
		return nil
	}
	if err != nil {
		return err
	}
	trust, err := ram.ParseTrust(role.Name, []byte(role.Trust))
	if err != nil {
		return fmt.Errorf("reading the trust policy of role %s: %w", role.Name, err)
	}
	names := []string{principal.ARN(), chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: principal.AccountID}.ARN()}
	if principal.Kind == chancery.RolePrincipal {
		names = append(names, chancery.Role{AccountID: principal.AccountID, Name: principal.Name}.ARN())
	}
	decision := ram.EvaluateTrust(trust, names, request.Context)
	if decision.Allowed {
		v.Reason += fmt.Sprintf("; role %s trusts it by statement %d of its trust policy", name, decision.Statement)
		return nil
	}
	v.Allowed, v.Explicit, v.Policy, v.Statement, v.Through = false, decision.Explicit, "", decision.Statement, nil
	v.Reason = fmt.Sprintf("the policies allow it, but role %s does not trust %s", name, principal.ARN())
	return nil
}

func roleOfARN(arn string) (account chancery.AccountID, name string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "acs:ram::")
	number, name, found := strings.Cut(rest, ":role/")
	id, err := strconv.ParseInt(number, 10, 64)
	return chancery.AccountID(id), name, ok && found && err == nil
}
