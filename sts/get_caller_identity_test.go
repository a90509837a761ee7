package sts_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chancery/internal/testenv"
	"chancery/sts"
)

// Everybody may ask who they are, also who is denied everything.
func TestGetCallerIdentity(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	denyAll := testenv.Policy(testenv.Deny("*", "*"))
	ada := env.AsUser("ada", denyAll)
	session := env.AsRole("deployer", denyAll)
	account, user, role := fmt.Sprint(env.Account), fmt.Sprint(ada.Principal.ID), fmt.Sprint(session.Principal.ID)
	for _, test := range []struct {
		name string
		by   *testenv.Tenant
		want sts.GetCallerIdentityOutput
	}{
		{"the account", env.Tenant, sts.GetCallerIdentityOutput{
			AccountId: account, UserId: account, Arn: "acs:ram::" + account + ":root", IdentityType: "Account", PrincipalId: account,
		}},
		{"a user", ada, sts.GetCallerIdentityOutput{
			AccountId: account, UserId: user, Arn: "acs:ram::" + account + ":user/ada", IdentityType: "RAMUser", PrincipalId: user,
		}},
		{"a role", session, sts.GetCallerIdentityOutput{
			AccountId: account, RoleId: role, Arn: "acs:ram::" + account + ":assumed-role/deployer/test-session",
			IdentityType: "AssumedRoleUser", PrincipalId: role + ":test-session",
		}},
	} {
		for name, scheme := range schemes {
			t.Run(test.name+", "+name, func(t *testing.T) {
				var got sts.GetCallerIdentityOutput
				test.by.Signed("GetCallerIdentity", nil, scheme, inSTS).Decode(&got)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("(- wanted, + got)\n%s", diff)
				}
			})
		}
	}
}
