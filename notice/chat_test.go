package notice

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"chancery"
)

// TestChatSignatures: computed apart with openssl, by what DingTalk and Feishu publish:
//
//	printf '1795608000000\nSECtest' | openssl dgst -sha256 -hmac SECtest -binary | base64
//	printf '' | openssl dgst -sha256 -mac HMAC -macopt hexkey:HEX -binary | base64
func TestChatSignatures(t *testing.T) {
	m, err := compose(failed("no proof"), hook(chancery.DingTalkFormat, "https://oapi.dingtalk.com/robot/send?access_token=abc", "SECtest"), noon)
	if err != nil {
		t.Fatal(err)
	}
	query := m.url.Query()
	if query.Get("access_token") != "abc" || query.Get("timestamp") != "1795608000000" || query.Get("sign") != dingTalkSign {
		t.Errorf("the query is %v", query)
	}
	m, err = compose(failed("no proof"), hook(chancery.FeishuFormat, "https://open.feishu.cn/open-apis/bot/v2/hook/abc", "SECtest"), noon)
	if err != nil {
		t.Fatal(err)
	}
	var body struct{ Timestamp, Sign string }
	if err := json.Unmarshal(m.body, &body); err != nil || body.Timestamp != "1795608000" || body.Sign != feishuSign {
		t.Errorf("the body is %s, %v", m.body, err)
	}
	for _, format := range []chancery.WebhookFormat{chancery.DingTalkFormat, chancery.FeishuFormat} {
		m, err := compose(failed("no proof"), hook(format, "https://a.test/x?y=z", ""), noon)
		if err != nil || m.url.RawQuery != "y=z" || strings.Contains(string(m.body), "sign") {
			t.Errorf("without a secret %s gets %s at %s, %v", format, m.body, m.url, err)
		}
	}
}

// TestChatsAnswers: a chat says with status 200 that it refuses.
func TestChatsAnswers(t *testing.T) {
	courier, _ := newCourier(t, "127.0.0.0/8")
	for _, test := range []struct {
		format       chancery.WebhookFormat
		status       int
		answer, want string
		after        time.Duration
	}{
		{chancery.DingTalkFormat, 200, `{"errcode":0,"errmsg":"ok"}`, "", 0},
		{chancery.DingTalkFormat, 200, `{"errcode":310000,"errmsg":"sign not match"}`, "DingTalk refuses the message with code 310000", 0},
		{chancery.DingTalkFormat, 200, `{"errcode":130101,"errmsg":"send too fast"}`, "code 130101", 10 * time.Minute},
		{chancery.DingTalkFormat, 200, `<html>login</html>`, "not with an answer of DingTalk", 0},
		{chancery.FeishuFormat, 200, `{"code":0,"msg":"success"}`, "", 0},
		{chancery.FeishuFormat, 200, `{"StatusCode":0,"StatusMessage":"success"}`, "", 0},
		{chancery.FeishuFormat, 200, `{"code":19021,"msg":"sign match fail"}`, "Feishu refuses the message with code 19021", 0},
		{chancery.FeishuFormat, 200, `{"code":11232,"msg":"frequency limited"}`, "code 11232", time.Minute},
		{chancery.FeishuFormat, 200, ``, "not with an answer of Feishu", 0},
		{chancery.SlackFormat, 200, `ok`, "", 0},
		{chancery.SlackFormat, 404, `no_service`, "status 404", 0},
	} {
		url := receiver(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			_, _ = w.Write([]byte(test.answer))
		})
		err := deliver(t, courier, failed("no proof"), hook(test.format, url, ""))
		var undelivered *chancery.UndeliveredError
		if test.want == "" && err == nil {
			continue
		}
		if !errors.As(err, &undelivered) || !strings.Contains(err.Error(), test.want) || test.want == "" {
			t.Errorf("%s answers %s: %v", test.format, test.answer, err)
			continue
		}
		if !undelivered.After.IsZero() && undelivered.After.Sub(noon) != test.after || undelivered.After.IsZero() != (test.after == 0) {
			t.Errorf("%s answers %s: %+v", test.format, test.answer, undelivered)
		}
	}
}

const (
	dingTalkSign = "+eJGQYVdKtifnuIArOKMKBkzWn0FythDJH5LLvUW/b4="
	feishuSign   = "Emuekv73LuCZ2mHAenAO8kwZ5K+jVB2OlEMLyxHNuV4="
)
