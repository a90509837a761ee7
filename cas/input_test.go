package cas_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// tags writes so many tags in the form of the wire.
func tags(n int) parameters {
	p := parameters{}
	for i := 1; i <= n; i++ {
		p[fmt.Sprintf("Tags.%d.Key", i)], p[fmt.Sprintf("Tags.%d.Value", i)] = fmt.Sprintf("key %d", i), fmt.Sprintf("värde %d", i)
	}
	return p
}

func tag(key, value string) parameters {
	return parameters{"Tags.1.Key": key, "Tags.1.Value": value}
}

// Both Create calls refuse the same faults, and leave no trace of a refused call.
func TestApplicationsThatAreRefused(t *testing.T) {
	organisation := chancery.Product{Code: "symantec-ov-1-personal", Level: chancery.OV, LifetimeDays: 365, Issuer: "local", KeyAlgorithm: chancery.ECC256}
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithProducts(append(testenv.Products(), organisation)...))
	env.Grant(single, 100)
	env.Grant(organisation.Code, 100)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr := requestFor(t, key, "www.example.test", nil)
	long := strings.Repeat("x", 257)

	for _, test := range []struct {
		name    string
		changes parameters
		code    string
		says    string
	}{
		{"no user name", parameters{"Username": absent}, "MissingParameter", "Username"},
		{"an empty user name", parameters{"Username": ""}, "MissingParameter", "Username"},
		{"no phone number", parameters{"Phone": absent}, "MissingParameter", "Phone"},
		{"an empty phone number", parameters{"Phone": ""}, "MissingParameter", "Phone"},
		{"no e-mail address", parameters{"Email": absent}, "MissingParameter", "Email"},
		{"an empty e-mail address", parameters{"Email": ""}, "MissingParameter", "Email"},
		{"no way to prove", parameters{"ValidateType": absent}, "MissingParameter", "ValidateType"},
		{"an empty way to prove", parameters{"ValidateType": ""}, "MissingParameter", "ValidateType"},
		{"no domain and no CSR", parameters{"Domain": absent, "Csr": absent}, "MissingParameter", ""},
		{"an empty domain and an empty CSR", parameters{"Domain": "", "Csr": ""}, "MissingParameter", ""},

		{"an unknown product", parameters{"ProductCode": "geotrust-dv-9"}, "InvalidParameter", "not offered here"},
		{"a product in another letter case", parameters{"ProductCode": "Digicert-Free-1-Free"}, "InvalidParameter", "not offered here"},
		{"a product that vouches for an organisation", parameters{"ProductCode": organisation.Code}, "InvalidParameter", "OV product"},
		{"an unknown way to prove", parameters{"ValidateType": "EMAIL"}, "InvalidParameter", "not DNS or FILE"},
		{"two ways to prove", parameters{"ValidateType": "DNS,FILE"}, "InvalidParameter", "not DNS or FILE"},

		{"a user name of 257 characters", parameters{"Username": long}, "InvalidParameter", "Username: more than 256"},
		{"a phone number of 257 characters", parameters{"Phone": long}, "InvalidParameter", "Phone: more than 256"},
		{"an e-mail address of 257 characters", parameters{"Email": long}, "InvalidParameter", "Email: more than 256"},
		{"a user name with a bell", parameters{"Username": "Ada\x07"}, "InvalidParameter", "Username: holds a control character"},
		{"a phone number with a line end", parameters{"Phone": "139\n0000"}, "InvalidParameter", "Phone: holds a control character"},
		{"an e-mail address with an escape sequence", parameters{"Email": "\x1b[2Ja@b"}, "InvalidParameter", "Email: holds a control character"},

		{"21 tags", tags(21), "InvalidParameter", "21 tags"},
		{"101 tags", tags(101), "InvalidParameter", "Tags: more than 100"},
		{"a tag without a key", tag(absent, "x"), "InvalidParameter", "Tags.1.Key is empty"},
		{"a tag with an empty key", tag("", "x"), "InvalidParameter", "Tags.1.Key is empty"},
		{"a key of 129 characters", tag(strings.Repeat("ü", 129), "x"), "InvalidParameter", "Tags.1.Key has more than 128"},
		{"a value of 129 characters", tag("x", strings.Repeat("ü", 129)), "InvalidParameter", "Tags.1.Value has more than 128"},
		{"a key that begins with aliyun", tag("aliyun-x", "x"), "InvalidParameter", "Tags.1.Key begins with"},
		{"a key that begins with AliYun", tag("AliYun", "x"), "InvalidParameter", "Tags.1.Key begins with"},
		{"a key that begins with acs:", tag("acs:x", "x"), "InvalidParameter", "Tags.1.Key begins with"},
		{"a key that holds http://", tag("see http://x", "x"), "InvalidParameter", "holds a URL"},
		{"a key that holds https://", tag("see HTTPS://x", "x"), "InvalidParameter", "holds a URL"},
		{"a value that begins with aliyun", tag("x", "aliyun"), "InvalidParameter", "Tags.1.Value begins with"},
		{"a value that begins with acs:", tag("x", "acs:rm:rgId"), "InvalidParameter", "Tags.1.Value begins with"},
		{"a value that holds http://", tag("x", "http://x"), "InvalidParameter", "holds a URL"},
		{"a key twice", parameters{"Tags.1.Key": "a", "Tags.2.Key": "a", "Tags.2.Value": "x"}, "InvalidParameter", "Tags.2.Key repeats"},
		{"tags numbered from 0", parameters{"Tags.0.Key": "a"}, "InvalidParameter", "numbered from 1"},
		{"tags without numbers", parameters{"Tags.Key": "a"}, "InvalidParameter", "numbered from 1"},

		{"a client token of 129 characters", parameters{"ClientToken": strings.Repeat("t", 129)}, "InvalidParameter", "ClientToken: more than 128"},
		{"a client token that is not ASCII", parameters{"ClientToken": "schlüssel"}, "InvalidParameter", "ClientToken: holds a character"},
		{"a client token with a line end", parameters{"ClientToken": "a\n"}, "InvalidParameter", "ClientToken: holds a character"},
	} {
		t.Run(test.name, func(t *testing.T) {
			unchanged(t, env, func() {
				check(t, env.Signed(create, application("www.example.test", test.changes)), test.code, 400, test.says)
				with := application("", parameters{"Domain": absent, "Csr": csr})
				check(t, env.Signed(createWithCSR, changed(with, test.changes)), test.code, 400, test.says)
			})
		})
	}
}

// The widest input there may be is kept as it was given.
func TestApplicationsAreKept(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(single, 100)
	wide := strings.Repeat("証", 256)
	for _, test := range []struct {
		name    string
		changes parameters
		check   func(chancery.Order) bool
	}{
		{"20 tags", tags(20), func(o chancery.Order) bool {
			return len(o.Tags) == 20 && o.Tags[0] == chancery.Tag{Key: "key 1", Value: "värde 1"} && o.Tags[19] == chancery.Tag{Key: "key 20", Value: "värde 20"}
		}},
		{"the widest tag", tag(strings.Repeat("ü", 128), strings.Repeat("ü", 128)), func(o chancery.Order) bool {
			return o.Tags[0] == chancery.Tag{Key: strings.Repeat("ü", 128), Value: strings.Repeat("ü", 128)}
		}},
		{"a tag without a value", tag("env", ""), func(o chancery.Order) bool { return o.Tags[0] == chancery.Tag{Key: "env"} }},
		{"the resource group", tag("acs:rm:rgId", "rg-1"), func(o chancery.Order) bool {
			return o.Tags[0] == chancery.Tag{Key: "acs:rm:rgId", Value: "rg-1"}
		}},
		{"tags with holes in their numbers", parameters{"Tags.7.Key": "b", "Tags.3.Key": "a"}, func(o chancery.Order) bool {
			return len(o.Tags) == 2 && o.Tags[0].Key == "a" && o.Tags[1].Key == "b"
		}},
		{"the widest applicant", parameters{"Username": wide, "Phone": wide, "Email": wide}, func(o chancery.Order) bool {
			return o.Applicant == chancery.Applicant{Username: wide, Phone: wide, Email: wide}
		}},
		{"a masked phone number", parameters{"Phone": "1390000****"}, func(o chancery.Order) bool { return o.Applicant.Phone == "1390000****" }},
		{"markup", parameters{"Username": `<b>"O'Neil" & co</b>`}, func(o chancery.Order) bool { return o.Applicant.Username == `<b>"O'Neil" & co</b>` }},
		{"a way to prove in small letters", parameters{"ValidateType": "file"}, func(o chancery.Order) bool { return o.Method == chancery.FILE }},
		{"no product", parameters{"ProductCode": absent}, func(o chancery.Order) bool { return o.ProductCode == single }},
		{"an empty product", parameters{"ProductCode": ""}, func(o chancery.Order) bool { return o.ProductCode == single }},
		{"parameters of other versions", parameters{"CompanyName": "x", "RegionId": "cn-hangzhou"}, func(chancery.Order) bool { return true }},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out cas.CreateOutput
			env.Signed(create, application("www.example.test", test.changes)).Decode(&out)
			order := env.Order(out.OrderId)
			if !test.check(order) {
				t.Errorf("the order is %+v", order)
			}
			if order.AccessKeyID != env.Key.ID || order.State != chancery.DomainVerify {
				t.Errorf("the order is %+v", order)
			}
			if id := out.OrderId; id < 1 || id >= 1<<53 {
				t.Errorf("the order id is %d, which JavaScript does not keep", id)
			}
		})
		env.Clock.Advance(121e9) // so that alike applications are no repetitions
	}
}
