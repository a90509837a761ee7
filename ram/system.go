package ram

// SystemPolicy is a policy that every account has and none can change.
type SystemPolicy struct {
	Name        string
	Description string
	// Document is the policy document; Parse accepts it.
	Document string
}

// System gives the system policies, sorted by name.
func System() []SystemPolicy {
	return []SystemPolicy{
		{
			Name:        "AdministratorAccess",
			Description: "Do everything with all resources of the account.",
			Document:    allowing(`"*"`),
		},
		{
			Name:        "AliyunSTSAssumeRoleAccess",
			Description: "Assume the roles of the account that trust the caller.",
			Document:    allowing(`"sts:AssumeRole"`),
		},
		{
			Name:        "AliyunYundunCertFullAccess",
			Description: "Do everything with certificates, orders, plans and keys.",
			Document:    allowing(`"yundun-cert:*"`),
		},
		{
			// The operations that read are called Get, Describe and List. To be
			// given a private key by one of them is an action of its own,
			// yundun-cert:ReadPrivateKey, and not among these; neither are Sign,
			// Encrypt, Decrypt and Verify, which use one.
			Name:        "AliyunYundunCertReadOnlyAccess",
			Description: "See certificates, orders and plans, without private keys.",
			Document: allowing(`[
        "yundun-cert:Get*",
        "yundun-cert:Describe*",
        "yundun-cert:List*"
      ]`),
		},
	}
}

// allowing writes the document that allows actions on all resources.
func allowing(actions string) string {
	return `{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ` + actions + `,
      "Resource": "*"
    }
  ]
}`
}
