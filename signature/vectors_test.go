package signature

import (
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"
)

// vector is one call with what an official client makes of it. C and the V3
// RunInstances call are published by the vendor.
type vector struct {
	name        string
	request     func() *Request
	credentials Credentials
	options     Options
	canonical   string
	text        string
	signature   string
}

var (
	testKey = Credentials{AccessKeyID: "testid", AccessKeySecret: []byte("testsecret")}
	orderID = map[string]string{"OrderId": "123451222"}
	order   = map[string]string{
		"ProductCode": "symantec-dv-1-starter", "Username": "Tom O'Neil (ops)", "Phone": "13900001111",
		"Email": "username+dv@example.com", "Domain": "*.aliyundoc.com", "ValidateType": "DNS",
		"Tags.1.Key": "env", "Tags.1.Value": "a b~c",
	}
)

const (
	orderBody = "ProductCode=symantec-dv-1-starter&Username=Tom%20O'Neil%20(ops)&Phone=13900001111" +
		"&Email=username%2Bdv%40example.com&Domain=*.aliyundoc.com&ValidateType=DNS&Tags.1.Key=env&Tags.1.Value=a%20b~c"
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	orderText = "POST&%2F&AccessKeyId%3Dtestid%26Action%3DCreateCertificateRequest%26Domain%3D%252A.aliyundoc.com%26Email%3Dusername%252Bdv%2540example.com%26Format%3DJSON%26Phone%3D13900001111%26ProductCode%3Dsymantec-dv-1-starter%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Dnonce-0002%26SignatureVersion%3D1.0%26Tags.1.Key%3Denv%26Tags.1.Value%3Da%2520b~c%26Timestamp%3D2024-08-01T02%253A03%253A04Z%26Username%3DTom%2520O%2527Neil%2520%2528ops%2529%26ValidateType%3DDNS%26Version%3D2020-04-07"
)

// call makes a fresh request each time, so that a test may change it.
func call(method, host string, query, form map[string]string, body string, header ...string) func() *Request {
	return func() *Request {
		h := make(http.Header)
		for i := 0; i < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &Request{Method: method, Host: host, Header: h, Query: maps.Clone(query), Form: maps.Clone(form), Body: []byte(body)}
	}
}

func options(scheme Scheme, action, nonce string, change ...func(*Options)) Options {
	o := Options{Scheme: scheme, Action: action, Version: "2020-04-07", Nonce: nonce, Time: time.Date(2024, 8, 1, 2, 3, 4, 0, time.UTC)}
	if scheme == V1 {
		o.Format = "JSON"
	}
	for _, f := range change {
		f(&o)
	}
	return o
}

func inForm(o *Options) { o.InForm = true }

var vectors = []vector{
	{
		name:        "V1 A: all in a GET query",
		request:     call("GET", "cas.example.test", orderID, nil, ""),
		credentials: testKey,
		options:     options(V1, "DescribeCertificateState", "nonce-0001"),
		text:        "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeCertificateState%26Format%3DJSON%26OrderId%3D123451222%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Dnonce-0001%26SignatureVersion%3D1.0%26Timestamp%3D2024-08-01T02%253A03%253A04Z%26Version%3D2020-04-07",
		signature:   "JKcYs9vhFT77728kvi1a/TVKmcM=",
	},
	{
		name:        "V1 B: common in query, operation in form",
		request:     call("POST", "cas.example.test", nil, order, orderBody),
		credentials: testKey,
		options:     options(V1, "CreateCertificateRequest", "nonce-0002"),
		text:        orderText,
		signature:   "jKzrjZtLzWBp+HGJhEg9FlGaw6Y=",
	},
	{
		name:        "V1 B: all in form",
		request:     call("POST", "cas.example.test", nil, order, ""),
		credentials: testKey,
		options:     options(V1, "CreateCertificateRequest", "nonce-0002", inForm),
		text:        orderText,
		signature:   "jKzrjZtLzWBp+HGJhEg9FlGaw6Y=",
	},
	{
		name:        "V1 B: all in query",
		request:     call("POST", "cas.example.test", order, nil, ""),
		credentials: testKey,
		options:     options(V1, "CreateCertificateRequest", "nonce-0002"),
		text:        orderText,
		signature:   "jKzrjZtLzWBp+HGJhEg9FlGaw6Y=",
	},
	{
		name:        "V1 B2: HMAC-SHA256",
		request:     call("POST", "cas.example.test", nil, order, orderBody),
		credentials: testKey,
		options:     options(V1, "CreateCertificateRequest", "nonce-0003", func(o *Options) { o.Method = "HMAC-SHA256" }),
		text:        strings.NewReplacer("HMAC-SHA1", "HMAC-SHA256", "nonce-0002", "nonce-0003").Replace(orderText),
		signature:   "gWE0l1EE+s776ko1LDoZZ7ZWT50nPxMexsdbfMGO2Jk=",
	},
	{
		name:        "V1 C: published",
		request:     call("GET", "ecs.aliyuncs.com", nil, nil, ""),
		credentials: testKey,
		options: options(V1, "DescribeRegions", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf", func(o *Options) {
			o.Version, o.Format, o.Time = "2014-05-26", "XML", time.Date(2016, 2, 23, 12, 46, 24, 0, time.UTC)
		}),
		text:      "GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeRegions%26Format%3DXML%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf%26SignatureVersion%3D1.0%26Timestamp%3D2016-02-23T12%253A46%253A24Z%26Version%3D2014-05-26",
		signature: "OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
	},
	{
		name:        "V3 1: query and empty body",
		request:     call("POST", "cas.example.test", order, nil, ""),
		credentials: testKey,
		options:     options(V3, "CreateCertificateRequest", "nonce-0004"),
		canonical: "POST\n/\n" +
			"Domain=%2A.aliyundoc.com&Email=username%2Bdv%40example.com&Phone=13900001111&ProductCode=symantec-dv-1-starter&Tags.1.Key=env&Tags.1.Value=a%20b~c&Username=Tom%20O%27Neil%20%28ops%29&ValidateType=DNS\n" +
			"host:cas.example.test\nx-acs-action:CreateCertificateRequest\nx-acs-content-sha256:" + emptyHash + "\nx-acs-date:2024-08-01T02:03:04Z\nx-acs-signature-nonce:nonce-0004\nx-acs-version:2020-04-07\n\n" +
			"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version\n" + emptyHash,
		text:      "ACS3-HMAC-SHA256\n385cf77907954558f96d8122af2f270860d47d1a44c23e13911dab5fad35b367",
		signature: "31e0fa3c79f5cc4a5c960b29061283dea37de6a13164d607beb10eb05539cebe",
	},
	{
		name:        "V3 2: form body",
		request:     call("POST", "127.0.0.1:8443", nil, order, orderBody, "Content-Type", "application/x-www-form-urlencoded"),
		credentials: testKey,
		options:     options(V3, "CreateCertificateRequest", "nonce-0005"),
		canonical: "POST\n/\n\ncontent-type:application/x-www-form-urlencoded\n" +
			"host:127.0.0.1:8443\nx-acs-action:CreateCertificateRequest\nx-acs-content-sha256:6636ece93c618a365537bc1b9080caafc1b4b7367c896163388249ec507c3cbd\nx-acs-date:2024-08-01T02:03:04Z\nx-acs-signature-nonce:nonce-0005\nx-acs-version:2020-04-07\n\n" +
			"content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version\n" +
			"6636ece93c618a365537bc1b9080caafc1b4b7367c896163388249ec507c3cbd",
		text:      "ACS3-HMAC-SHA256\n0de8a0e54fd790a40ea781fc801bb90e3642f665137123f5352f6e7d16c1211f",
		signature: "b87229fe8837b4134796fa0200abc1e1d2e95fe1275ecb6a1b9163b10fb70c13",
	},
	{
		name:        "V3 3: temporary credentials",
		request:     call("POST", "cas.example.test", orderID, nil, ""),
		credentials: Credentials{AccessKeyID: "testid", AccessKeySecret: []byte("testsecret"), SecurityToken: "sts-token-example"},
		options:     options(V3, "DescribeCertificateState", "nonce-0006"),
		canonical: "POST\n/\nOrderId=123451222\n" +
			"host:cas.example.test\nx-acs-accesskey-id:testid\nx-acs-action:DescribeCertificateState\nx-acs-content-sha256:" + emptyHash + "\nx-acs-date:2024-08-01T02:03:04Z\nx-acs-security-token:sts-token-example\nx-acs-signature-nonce:nonce-0006\nx-acs-version:2020-04-07\n\n" +
			"host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version\n" + emptyHash,
		text:      "ACS3-HMAC-SHA256\nfd1060cd4dac5e395c8ed38d363ed7539bf62998624dc450cda3a44212f8bf5e",
		signature: "113c8119fb2efb855e2f67dfe8c8fd38d461a96e2c28fef61e1f6ed0ceb48be3",
	},
	{
		name: "V3 4: published",
		request: call("POST", "ecs.cn-shanghai.aliyuncs.com", map[string]string{
			"ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", "RegionId": "cn-shanghai",
		}, nil, ""),
		credentials: Credentials{AccessKeyID: "YourAccessKeyId", AccessKeySecret: []byte("YourAccessKeySecret")},
		options: options(V3, "RunInstances", "3156853299f313e23d1673dc12e1703d", func(o *Options) {
			o.Version, o.Time = "2014-05-26", time.Date(2023, 10, 26, 10, 22, 32, 0, time.UTC)
		}),
		text:      "ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
		signature: "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
	},
}

// signed gives the vector's request as Sign leaves it.
func (v vector) signed(t testing.TB) *Request {
	t.Helper()
	r := v.request()
	if err := Sign(r, v.credentials, v.options); err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return r
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			c, err := Read(v.signed(t))
			if err != nil {
				t.Fatalf("Read: %v", err)
			}
			if c.StringToSign() != v.text {
				t.Errorf("string to sign\n got %s\nwant %s", c.StringToSign(), v.text)
			}
			if v.canonical != "" && c.CanonicalRequest() != v.canonical {
				t.Errorf("canonical request\n got %s\nwant %s", c.CanonicalRequest(), v.canonical)
			}
			if v.options.Scheme == V1 && c.CanonicalRequest() != "" {
				t.Error("V1 has a canonical request")
			}
			if c.Signature != v.signature {
				t.Errorf("signature\n got %s\nwant %s", c.Signature, v.signature)
			}
			if !c.Verify(v.credentials.AccessKeySecret) {
				t.Error("the right secret does not verify")
			}
			if c.Verify([]byte("testsecret2")) || c.Verify(nil) {
				t.Error("another secret verifies")
			}
		})
	}
}
