package ram

import (
	"fmt"

	"chancery"
)

// ParseAll reads the policies that somebody has: built-in ones by their name, an
// account's own by their document.
func ParseAll(attached []chancery.Attached) ([]Policy, error) {
	policies := make([]Policy, 0, len(attached))
	for _, a := range attached {
		if system, ok := systemPolicies[a.Policy]; ok {
			policies = append(policies, system)
			continue
		}
		policy, err := Parse(a.Policy, []byte(a.Document))
		if err != nil {
			return nil, fmt.Errorf("reading policy %s: %w", a.Policy, err)
		}
		policies = append(policies, policy)
	}
	return policies, nil
}

// IsSystem tells whether the name is a built-in policy's.
func IsSystem(name string) bool {
	_, ok := systemPolicies[name]
	return ok
}

// systemPolicies are the built-in ones, parsed once, by name.
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
