// Package sts holds the operations of the Security Token Service, version
// 2015-04-01: who calls, and temporary credentials. This file is its table of
// contents; every operation has a file of its own.
//
// Fields of Input and Output structs are named exactly as on the wire.
package sts

import "chancery"

// Version is the API version that this package speaks.
const Version = "2015-04-01"

// Service is what the operations work on. Both fields are needed.
type Service struct {
	Store chancery.Store
	Clock chancery.Clock
}

// API is the table of contents.
func (s *Service) API() chancery.API {
	whoAmI := chancery.Bind("GetCallerIdentity", chancery.AccessGet, "See whose access key it is.", s.GetCallerIdentity)
	whoAmI.Everyone = true // it tells callers nothing but who they are
	return chancery.API{Product: "sts", Version: Version, RAMCode: "sts", Operations: []chancery.Operation{
		whoAmI,
		chancery.Bind("AssumeRole", chancery.AccessCreate, "Get temporary credentials to act as a role.", s.AssumeRole),
	}}
}
