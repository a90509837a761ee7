package notice

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"chancery"
)

// maxChat is how long a text in a chat may be, in letters. The least of their limits is
// DingTalk's, of some 20,000 bytes.
const maxChat = 4000

// chatText is the whole of a notice for a chat. It begins with a word that DingTalk and
// Feishu can be told to expect.
func chatText(n chancery.Notice) string {
	text := []rune("Chancery: " + n.Subject() + "\n" + n.Text())
	if len(text) > maxChat {
		text = append(text[:maxChat], '…')
	}
	return string(text)
}

// tame takes from a text what DingTalk and Feishu could read as a mention or a tag.
// They have no escapes, so the signs become others that look like them.
var tame = strings.NewReplacer("@", "＠", "<", "＜", ">", "＞")

// dingTalk is a text message of a custom robot. Its signature, if the robot wants
// one, is part of the URL.
func (m *message) dingTalk(n chancery.Notice, secret chancery.Secret, now time.Time) (err error) {
	m.body, err = json.Marshal(map[string]any{
		"msgtype": "text",
		"text":    map[string]string{"content": tame.Replace(chatText(n))},
		"at":      map[string]any{"isAtAll": false},
	})
	if !secret.Empty() {
		timestamp := strconv.FormatInt(now.UnixMilli(), 10)
		query := m.url.Query()
		query.Set("timestamp", timestamp)
		query.Set("sign", sign(secret.Reveal(), timestamp+"\n"+string(secret.Reveal())))
		m.url.RawQuery = query.Encode()
	}
	m.judge = func(body []byte, now time.Time) error {
		const tooOften, pause = 130101, 10 * time.Minute
		var answer struct {
			Code *int64 `json:"errcode"`
		}
		return judgeCode("DingTalk", json.Unmarshal(body, &answer), answer.Code, now, map[int64]time.Duration{tooOften: pause})
	}
	return err
}

// feishu is a text message of a custom bot of Feishu or Lark. Its signature, if the
// bot wants one, is part of the body: the MAC of nothing, with a key that holds all.
func (m *message) feishu(n chancery.Notice, secret chancery.Secret, now time.Time) (err error) {
	body := map[string]any{"msg_type": "text", "content": map[string]string{"text": tame.Replace(chatText(n))}}
	if !secret.Empty() {
		timestamp := strconv.FormatInt(now.Unix(), 10)
		body["timestamp"] = timestamp
		body["sign"] = sign([]byte(timestamp+"\n"+string(secret.Reveal())), "")
	}
	m.body, err = json.Marshal(body)
	m.judge = func(body []byte, now time.Time) error {
		const tooOften, pause = 11232, time.Minute
		var answer struct {
			Code       *int64 `json:"code"`
			StatusCode *int64 `json:"StatusCode"`
		}
		parsed := json.Unmarshal(body, &answer)
		if answer.Code == nil {
			answer.Code = answer.StatusCode
		}
		return judgeCode("Feishu", parsed, answer.Code, now, map[int64]time.Duration{tooOften: pause})
	}
	return err
}

// slackText escapes what Slack reads as links, mentions and commands such as <!channel>.
var slackText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slack is a message of an incoming webhook, as one block of plain text, in which Slack
// reads no marks; text is what notifications show.
func (m *message) slack(n chancery.Notice) (err error) {
	const maxBlock = 2900 // letters; Slack takes 3000
	text := []rune(chatText(n))
	if len(text) > maxBlock {
		text = append(text[:maxBlock], '…')
	}
	escaped := slackText.Replace(string(text))
	if len([]rune(escaped)) > maxBlock+100 { // so much to escape is no notice of ours
		escaped = slackText.Replace("Chancery: " + n.Subject())
	}
	m.body, err = json.Marshal(map[string]any{
		"text":         slackText.Replace("Chancery: " + n.Subject()),
		"mrkdwn":       false,
		"parse":        "none",
		"link_names":   false,
		"unfurl_links": false,
		"unfurl_media": false,
		"blocks": []any{map[string]any{
			"type": "section",
			"text": map[string]any{"type": "plain_text", "text": escaped, "emoji": false},
		}},
	})
	return err
}

func sign(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	_, _ = mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// judgeCode reads the code of a chat that answers all with status 200: 0 is success.
// pauses has those codes that ask to be left alone for a while.
func judgeCode(chat string, parsed error, code *int64, now time.Time, pauses map[int64]time.Duration) error {
	if parsed != nil || code == nil {
		return undelivered(fmt.Sprintf("status %d, but not with an answer of %s; is the URL right?", http.StatusOK, chat))
	}
	if *code == 0 {
		return nil
	}
	failed := &chancery.UndeliveredError{Reason: fmt.Sprintf("%s refuses the message with code %d", chat, *code)}
	if pause := pauses[*code]; pause > 0 {
		failed.After = now.Add(pause)
	}
	return failed
}
