package ca

// kind is a set of kinds of things that the CA signs.
type kind uint8

const (
	orderLeaf      kind = 1 << iota // the answer to an order
	madeLeaf                        // the same, with a key that the service made just now
	serverLeaf                      // the service's own server certificate
	caCertificate                   // root and issuing CA
	revocationList                  // CRL
	responderLeaf                   // who signs OCSP answers
)

const everyLeaf = orderLeaf | madeLeaf | serverLeaf

// exception is a lint that is not run. All others bind.
type exception struct {
	lint string
	of   kind
	// unlocated: only while no base URL is set.
	unlocated bool
	// slow: it would hold, but takes long and finds nothing that is not found elsewhere.
	slow    bool
	because string
}

var exceptions = []exception{
	{
		lint: "e_dnsname_not_valid_tld", of: everyLeaf,
		because: "names under .test, .internal or a company's own top-level domain are what a private CA is for",
	},
	{
		lint: "e_cert_issued_by_compromised_emudhra_ca", of: everyLeaf | caCertificate, slow: true,
		because: "it tries eight stolen keys on the signature, which is never theirs here, and takes longer than all other lints together",
	},
	{
		lint: "e_rsa_fermat_factorization", of: everyLeaf, slow: true,
		because: "it takes as long as all other lints of an RSA leaf, and chancery.CheckPublicKey has tried the same on every key that comes in a CSR",
	},
	{
		lint: "e_ecdsa_small_private_key", of: madeLeaf, slow: true,
		because: "it is a quarter of the lints of a P-256 leaf, and looks for keys under 65,536, which crypto/ecdsa draws once in 2^239 times",
	},
	{
		lint: "e_ca_country_name_missing", of: caCertificate,
		because: "the country belongs to a verified organisation; a private PKI has no one to verify its operator",
	},
	{
		lint: "e_ext_san_contains_reserved_ip", of: serverLeaf,
		because: "the service answers on loopback and private addresses",
	},
	{
		lint: "e_sub_cert_aia_missing", of: everyLeaf, unlocated: true,
		because: "nobody said where the issuing CA's certificate can be fetched",
	},
	{
		lint: "e_missing_crl_distrib_point", of: everyLeaf, unlocated: true,
		because: "nobody said where the CRL can be fetched",
	},
	{
		lint: "e_sub_ca_crl_distribution_points_missing", of: caCertificate, unlocated: true,
		because: "nobody said where the root's CRL can be fetched",
	},
}

// excused names the lints that do not bind what is signed.
func excused(of kind, located bool) []string {
	var names []string
	for _, e := range exceptions {
		if e.of&of != 0 && (!e.unlocated || !located) {
			names = append(names, e.lint)
		}
	}
	return names
}
