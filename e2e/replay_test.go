package e2e

import (
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/signature"
)

// A request that somebody captured is worth nothing: not at once, not after the
// service was killed and started again, not when its time is over.
func TestReplay(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	captured := map[string]wire{}
	for _, scheme := range []signature.Scheme{signature.V1, signature.V3} {
		for name, c := range map[string]call{
			"a read":  {action: "DescribePackageState"},
			"a write": {action: "CreateContact", parameters: map[string]string{"Name": "Ada", "Mobile": "139"}},
		} {
			c.key, c.scheme, c.format = s.key, scheme, "JSON"
			request := c.sign(t, s.endpoint)
			request.send(t, s.endpoint).expect(t, 200, "")
			captured[name+" under "+string(scheme)] = request
		}
	}
	again := func(when string) {
		for name, request := range captured {
			if a := request.send(t, s.endpoint); a.status != 400 || a.Code != "SignatureNonceUsed" {
				t.Errorf("%s %s: %d %s", name, when, a.status, a.Code)
			}
		}
		list := call{action: "ListContact", key: s.key, format: "JSON"}.do(t, s)
		if list.expect(t, 200, ""); !strings.Contains(string(list.body), `"TotalCount":2`) {
			t.Errorf("%s the contacts are %s", when, list.body)
		}
	}
	again("at once")
	s.kill()
	s.launch(t)
	again("after kill -9")
	s.stop(t)
	s.launch(t)
	again("after a restart")
}

// A request whose time is too far off, or whose key is disabled, is refused.
func TestStaleRequests(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	ask := func(key signature.Credentials, scheme signature.Scheme, at time.Time) answer {
		return call{action: "DescribePackageState", key: key, scheme: scheme, format: "JSON", at: at}.do(t, s)
	}
	who := s.tenant(t, chancery.DefaultProduct, 1)
	for _, scheme := range []signature.Scheme{signature.V1, signature.V3} {
		ask(who.key, scheme, time.Now().Add(-16*time.Minute)).expect(t, 400, "InvalidTimeStamp.Expired")
		ask(who.key, scheme, time.Now().Add(16*time.Minute)).expect(t, 400, "InvalidTimeStamp.Expired")
		ask(who.key, scheme, time.Now().Add(-14*time.Minute)).expect(t, 200, "")
		ask(wrong(who.key), scheme, time.Time{}).expect(t, 400, "SignatureDoesNotMatch")
		ask(signature.Credentials{AccessKeyID: "unknown-key", AccessKeySecret: who.key.AccessKeySecret}, scheme, time.Time{}).
			expect(t, 404, "InvalidAccessKeyId.NotFound")
	}
	s.operate(t, &admin.AccessKeyName{}, "accesskey", "disable", who.key.AccessKeyID, "--account", who.uid())
	ask(who.key, signature.V1, time.Time{}).expect(t, 400, "InvalidAccessKeyId.Inactive")
	ask(who.key, signature.V3, time.Time{}).expect(t, 400, "InvalidAccessKeyId.Inactive")
	ask(s.key, signature.V3, time.Time{}).expect(t, 200, "")
}

// A pair that was taken over works in the clients that have it.
func TestTakenOverKey(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	who := s.tenant(t, chancery.DefaultProduct, 2)
	who.key = signature.Credentials{AccessKeyID: "LTAI5tExampleOfAnotherPlace", AccessKeySecret: signature.Secret("Secret0fAn0therPlace/+=~x")}
	var made admin.AccessKey
	s.operate(t, &made, "accesskey", "create", "--account", who.uid(),
		"--id", who.key.AccessKeyID, "--secret-file", file(t, "secret", string(who.key.AccessKeySecret)+"\n"))
	if made.ID != who.key.AccessKeyID || made.Secret != "" {
		t.Errorf("the command tells %+v, want the id and no secret", made)
	}
	o := order{name: "moved.example.test", method: "DNS", who: who}
	checkQuota(t, legacy.apply(t, s, o))
}
