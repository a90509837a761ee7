package admin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"chancery"
	"chancery/cas"
	"chancery/sts"
)

// apis are the tables of what policies are asked about.
func apis() []chancery.API { return append((&cas.Service{}).APIs(), (&sts.Service{}).API()) }

// knownAction is an action that policies are asked about.
type knownAction struct {
	name string // with its prefix
	api  chancery.API
	// everyone may do it: no policy is asked.
	everyone bool
	// operators: it is one of the operator's calls, which only the principals of an
	// operator's account make.
	operators bool
}

// knownActions lists them, those of the product's current version first, and after the
// operations the calls that are made from the console: of an account's own administration,
// and of the operator.
func knownActions() (list []knownAction) {
	seen := map[string]bool{}
	add := func(action knownAction) {
		if !seen[action.name] {
			seen[action.name] = true
			list = append(list, action)
		}
	}
	for i, api := range apis() {
		for _, operation := range api.Operations {
			add(knownAction{name: api.Action(operation), api: api, everyone: operation.Everyone})
		}
		if i == 0 {
			add(knownAction{name: api.RAMCode + ":" + chancery.ReadPrivateKey, api: api})
		}
	}
	for _, name := range slices.Sorted(maps.Values(administration)) {
		api := chancery.OperatorAPI()
		if strings.HasPrefix(name, ramActions) {
			api = chancery.AccessAPI()
		}
		add(knownAction{name: name, api: api})
	}
	for _, call := range slices.Sorted(maps.Keys(calls())) {
		add(knownAction{name: Action(call), api: chancery.OperatorAPI(), operators: true})
	}
	return list
}

// findAction reads the name of an action, in any case; without a prefix it is one
// of CAS.
func findAction(text string) (knownAction, error) {
	all := knownActions()
	if !strings.Contains(text, ":") {
		text = all[0].api.RAMCode + ":" + text
	}
	for _, action := range all {
		if strings.EqualFold(action.name, text) {
			return action, nil
		}
	}
	near := nearActions(all, text)
	if len(near) == 0 {
		return knownAction{}, fmt.Errorf("there is no action %s; docs/operations.md lists them", text)
	}
	return knownAction{}, fmt.Errorf("there is no action %s; is it %s?", text, strings.Join(near, " or "))
}

// nearActions gives up to four whose names are like text, the likest first.
func nearActions(all []knownAction, text string) []string {
	const most = 4
	_, text, _ = strings.Cut(strings.ToLower(text), ":")
	text = strings.Trim(text, "*?")
	distances := map[string]int{}
	for _, action := range all {
		_, name, _ := strings.Cut(strings.ToLower(action.name), ":")
		d := distance(name, text)
		if d <= max(2, len(name)/3) || len(text) > most && (strings.Contains(name, text) || strings.Contains(text, name)) {
			distances[action.name] = d
		}
	}
	near := slices.SortedFunc(maps.Keys(distances), func(one, other string) int {
		return cmp.Or(distances[one]-distances[other], strings.Compare(one, other))
	})
	return near[:min(len(near), most)]
}

// distance is how many letters must be put in, left out or changed to make one
// text the other.
func distance(one, other string) int {
	row := make([]int, len(other)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(one) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(other) {
			change := diagonal
			if one[i] != other[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(other)]
}

// resourceKinds are the kinds of what operations name: order, certificate ...
func resourceKinds(api chancery.API) []string {
	kinds := map[string]bool{}
	for _, operation := range api.Operations {
		if operation.NewInput == nil {
			continue
		}
		if named, ok := operation.NewInput().(interface{ Resource() string }); ok {
			if kind, _, _ := strings.Cut(named.Resource(), "/"); kind != "" {
				kinds[kind] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(kinds))
}
