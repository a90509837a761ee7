package ram

import (
	"fmt"

	"chancery"
)

// Read reads a policy that somebody has: a built-in one by its name, one of the
// account's by its document.
func Read(attached chancery.Attached) (Policy, error) {
	if system, ok := systemPolicies[attached.Policy]; ok {
		return system, nil
	}
	policy, err := Parse(attached.Policy, []byte(attached.Document))
	if err != nil {
		return Policy{}, fmt.Errorf("reading policy %s: %w", attached.Policy, err)
	}
	return policy, nil
}

// ReadAll reads all that somebody has.
func ReadAll(attached []chancery.Attached) ([]Policy, error) {
	policies := make([]Policy, len(attached))
	for i, a := range attached {
		var err error
		if policies[i], err = Read(a); err != nil {
			return nil, err
		}
	}
	return policies, nil
}

// IsSystem tells whether the name is a built-in policy's.
func IsSystem(name string) bool {
	_, ok := systemPolicies[name]
	return ok
}

// systemPolicies are the built-in ones by name, parsed once.
var systemPolicies = func() map[string]Policy {
	parsed := map[string]Policy{}
	for _, system := range System() {
		policy, err := Parse(system.Name, []byte(system.Document))
		if err != nil {
			panic("built-in policy " + system.Name + ": " + err.Error())
		}
		parsed[system.Name] = policy
	}
	return parsed
}()
