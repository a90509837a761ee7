package chancery

import (
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

// Whatever the text, reading it gives certificates or one of three codes, all of
// the text's certificates, and never part of the key in an error.
func FuzzLeaf(f *testing.F) {
	key := "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n"
	f.Add("", "")
	f.Add("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key)
	f.Add("-----BEGIN CERTIFICATE-----\nAAAA-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----", "-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n"+key)
	f.Add(key, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")
	f.Fuzz(func(t *testing.T, cert, key string) {
		leaf, err := OrdinaryReader.Leaf(Pair{CertName: "Cert", KeyName: "Key", Cert: cert, Key: key}, time.Unix(1e9, 0))
		switch CodeOf(err) {
		case "":
			if leaf == nil || strings.Count(cert, "-----BEGIN") == 0 {
				t.Error("accepted without a certificate")
			}
		case CertificateFormat, ParseCertificateFailed, CertificateChainNotMatch, CertificateExpired, InvalidParameter:
		default:
			t.Errorf("code %s", CodeOf(err))
		}
		if _, err := ParsePrivateKey(key); err != nil {
			if block, _ := pem.Decode([]byte(key)); block != nil && len(block.Bytes) > 16 && strings.Contains(err.Error(), string(block.Bytes)) {
				t.Error("the error holds the key")
			}
		}
	})
}

func TestSettleFollowsStatus(t *testing.T) {
	end := time.Unix(2e9, 0)
	c := Certificate{CertificateFacts: CertificateFacts{NotAfter: end}}
	for _, before := range []time.Duration{60 * 24 * time.Hour, ExpiryWindow + 1, ExpiryWindow, ExpiryWindow - 1, 1, 0, -1, -time.Hour} {
		entry, now := c.Entry(), end.Add(-before)
		entry.Settle(now)
		if want := c.Status(now); entry.Status != want {
			t.Errorf("%v before the end: %s, and the certificate is %s", before, entry.Status, want)
		}
	}
}

func TestPageOffset(t *testing.T) {
	for _, c := range []struct {
		page Page
		want int64
	}{{Page{1, 50}, 0}, {Page{3, 50}, 100}, {Page{1 << 62, 100}, 100 << 24}} {
		if got := c.page.Offset(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.page, got, c.want)
		}
	}
}
