package chancery

import "time"

// newValidation is NewValidations for one name.
func newValidation(name Name, method Method, now time.Time) (Validation, error) {
	all, err := NewValidations(Names{name}, method, now)
	if err != nil {
		return Validation{}, err
	}
	return all[0], nil
}

// parseOneCSR is ParseCSR for a product of one name.
func parseOneCSR(text string) ([]byte, Name, error) {
	der, names, err := ParseCSR(text, 1)
	if err != nil {
		return der, "", err
	}
	return der, names.Common(), nil
}
