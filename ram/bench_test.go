package ram

import (
	"net/netip"
	"testing"
	"time"
)

const benchDocument = `{"Version":"1","Statement":[
  {"Effect":"Allow","Action":["yundun-cert:Describe*","yundun-cert:List*","yundun-cert:Get*"],"Resource":"*",
   "Condition":{"IpAddress":{"acs:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}},
  {"Effect":"Allow","Action":"yundun-cert:Create*","Resource":["acs:yundun-cert:*:1234567890123456:order/*","acs:yundun-cert:*:1234567890123456:*"],
   "Condition":{"Bool":{"acs:SecureTransport":"true"},"DateLessThan":{"acs:CurrentTime":"2027-01-01T00:00:00Z"}}},
  {"Effect":"Deny","Action":"yundun-cert:ReadPrivateKey","Resource":"*"}]}`

func BenchmarkParse(b *testing.B) {
	document := []byte(benchDocument)
	b.ReportAllocs()
	b.SetBytes(int64(len(document)))
	for b.Loop() {
		if _, err := Parse("p", document); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEvaluate decides by three policies of three statements each.
func BenchmarkEvaluate(b *testing.B) {
	policies := mustParse(b, benchDocument, benchDocument, benchDocument)
	r := Request{
		Action:    "yundun-cert:CreateCertificateRequest",
		Resources: []string{"acs:yundun-cert:cn-hangzhou:1234567890123456:*"},
		Context: Context{SourceIP: netip.MustParseAddr("203.0.113.7"), Secure: true, PrincipalARN: "acs:ram::1234567890123456:user/alice",
			Time: time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)},
	}
	b.ReportAllocs()
	for b.Loop() {
		if !Evaluate(policies, r).Allowed {
			b.Fatal("denied")
		}
	}
}
