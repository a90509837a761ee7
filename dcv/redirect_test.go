package dcv

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"chancery"
)

func redirect(code int, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(code)
		fmt.Fprint(w, token, secret)
	}
}

// In a Location, PORT stands for the port of the web server.
func TestRedirect(t *testing.T) {
	tests := []struct {
		name     string
		code     int
		location string
		finding  chancery.Finding
		detail   string
	}{
		{"301", 301, "/proof", chancery.Seen, ""},
		{"302", 302, "//" + host + ":PORT/proof", chancery.Seen, ""},
		{"307", 307, "http://other.example.test:PORT/proof", chancery.Seen, ""},
		{"308", 308, "HTTP://Other.Example.TEST:PORT/proof?id=" + secret + "#top", chancery.Seen, ""},
		{"to an address", 302, "http://127.0.0.1:PORT/proof", chancery.Seen, ""},
		{"to a mapped address", 302, "http://[::ffff:127.0.0.1]:PORT/proof", chancery.Seen, ""},
		{"300", 300, "/proof", chancery.BadStatus, "status 300"},
		{"304", 304, "/proof", chancery.BadStatus, "status 304"},
		{"no Location", 302, "", chancery.BadAnswer, "without a valid Location"},
		{"bad Location", 302, "http://[::1/" + secret, chancery.BadAnswer, "without a valid Location"},
		{"opaque", 302, "http:proof", chancery.BadAnswer, "without a valid Location"},
		{"to a forbidden address", 302, "http://127.0.0.2:PORT/proof", chancery.Refusal, "127.0.0.2 is not a public address"},
		{"to a forbidden name", 302, "http://inside.example.test:PORT/proof", chancery.Refusal, "127.0.0.2 is not a public address"},
		{"to cloud metadata", 302, "http://169.254.169.254:PORT/latest/meta-data/", chancery.Refusal, "credentials"},
		{"to a mapped forbidden address", 302, "http://[::ffff:127.0.0.2]:PORT/proof", chancery.Refusal, "127.0.0.2"},
		{"to an address of one link", 302, "http://[fe80::1%25lo]:PORT/proof", chancery.Refusal, "full domain name or an address"},
		{"to a number", 302, "http://2130706433:PORT/proof", chancery.Refusal, "full domain name or an address"},
		{"to a short address", 302, "http://127.1:PORT/proof", chancery.Refusal, "full domain name or an address"},
		{"to localhost", 302, "http://localhost:PORT/proof", chancery.Refusal, "full domain name or an address"},
		{"to no host", 302, "http://:PORT/proof", chancery.Refusal, "full domain name or an address"},
		{"to another port", 302, "http://" + host + ":22/proof", chancery.Refusal, "a port other than"},
		{"to a standard port that is not ours", 302, "http://" + host + "/proof", chancery.Refusal, "a port other than"},
		{"to ftp", 302, "ftp://" + host + ":PORT/proof", chancery.Refusal, "other than http and https"},
		{"to file", 302, "file:///etc/passwd", chancery.Refusal, "other than http and https"},
		{"to gopher", 302, "gopher://" + host + ":PORT/_proof", chancery.Refusal, "other than http and https"},
		{"with a user", 302, "http://user:" + secret + "@" + host + ":PORT/proof", chancery.Refusal, "user name"},
		{"with the token", 302, "/proof?echo=" + token, chancery.Refusal, "with the token"},
		{"with the token encoded", 302, "/proof/%32" + token[1:], chancery.Refusal, "with the token"},
		{"to itself", 302, chancery.ProofPath, chancery.BadAnswer, "redirect loop"},
		{"to a loop", 302, "/loop", chancery.BadAnswer, "redirect loop"},
		{"ten times", 302, "/count?9", chancery.Seen, ""},
		{"eleven times", 302, "/count?10", chancery.BadAnswer, "more than 10 redirects"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			mux := http.NewServeMux()
			port := serve(t, "127.0.0.1:0", mux.ServeHTTP)
			mux.HandleFunc(chancery.ProofPath, redirect(test.code, strings.ReplaceAll(test.location, "PORT", fmt.Sprint(port))))
			mux.HandleFunc("/proof", say(token))
			mux.HandleFunc("/loop", redirect(302, chancery.ProofPath))
			mux.HandleFunc("/count", countdown)
			z := siteZone(t, "127.0.0.1")
			z.Set("other.example.test", "A", "127.0.0.1")
			z.Set("inside.example.test", "A", "127.0.0.2")

			_, evidence := look(t, newLooker(t, Config{HTTPPort: port}, z), chancery.FILE)
			expect(t, evidence[0], "http://", test.finding, test.detail)
		})
	}
}

// countdown redirects as many times as its query says, then shows the token.
func countdown(w http.ResponseWriter, r *http.Request) {
	var left int
	fmt.Sscan(r.URL.RawQuery, &left)
	if left == 0 {
		fmt.Fprint(w, token)
		return
	}
	http.Redirect(w, r, fmt.Sprintf("/count?%d", left-1), http.StatusFound)
}

func TestRedirectToHTTPS(t *testing.T) {
	secure := serveTLS(t, "127.0.0.1:0", say(token))
	plain := serve(t, "127.0.0.1:0", redirect(301, fmt.Sprintf("https://%s:%d/proof?id=%s", host, secure, secret)))
	l := newLooker(t, Config{HTTPPort: plain, HTTPSPort: secure}, siteZone(t, "127.0.0.1"))
	proved, evidence := look(t, l, chancery.FILE)
	if !proved || len(evidence) != 1 {
		t.Fatalf("proved is %v, evidence %+v", proved, evidence)
	}
	where := fmt.Sprintf("https://%s:%d/proof at 127.0.0.1:%d", host, secure, secure)
	expect(t, evidence[0], where, chancery.Seen, "")
}

// Whatever a server writes into Location, only plain http and https URLs at one
// of the two ports come out, and following them again changes nothing.
func FuzzFollow(f *testing.F) {
	for _, seed := range []string{"/a?b#c", "//x.example/", "https://[2001:db8::1]:443", "http://a@b.example", "http://1.1/", "HTTP://ÄÖ.example:80/%zz", "//0.00\xff0"} {
		f.Add(seed)
	}
	l, err := New(Config{Resolvers: []string{"127.0.0.1"}})
	if err != nil {
		f.Fatal(err)
	}
	from := l.fileURL("http", chancery.Validation{Name: host})
	f.Fuzz(func(t *testing.T, location string) {
		to, finding, detail := l.follow(from, location, token)
		if (to == nil) == (finding == "") || (detail == "") != (finding == "") {
			t.Fatalf("%v, %q, %q", to, finding, detail)
		}
		if to == nil {
			return
		}
		if to.Scheme != "http" && to.Scheme != "https" || to.User != nil || to.Fragment != "" {
			t.Errorf("leads to %s", to)
		}
		if port := portOf(to); port != 80 && port != 443 {
			t.Errorf("leads to port %d", port)
		}
		if _, err := netip.ParseAddr(to.Hostname()); err != nil {
			if _, err := chancery.ParseName(to.Hostname()); err != nil {
				t.Error(err)
			}
		}
		again, _, _ := l.follow(from, to.String(), token)
		if again == nil || again.String() != to.String() {
			t.Errorf("%s became %v", to, again)
		}
		if _, err := url.Parse(to.String()); err != nil {
			t.Error(err)
		}
	})
}
