package service

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// Only proxies may say whom a request is from, and a client cannot say it through them.
func TestBehindProxies(t *testing.T) {
	const proxy, client = "10.1.2.3:4711", "203.0.113.9:999"
	for name, test := range map[string]struct {
		peer   string
		header http.Header
		from   string
		secure bool
	}{
		"no header":                 {proxy, nil, proxy, false},
		"a proxy":                   {proxy, http.Header{"X-Forwarded-For": {"203.0.113.9"}, "X-Forwarded-Proto": {"https"}}, "203.0.113.9:0", true},
		"a client that lies":        {client, http.Header{"X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Proto": {"https"}}, client, false},
		"a lie through a proxy":     {proxy, http.Header{"X-Forwarded-For": {"127.0.0.1, 203.0.113.9"}}, "203.0.113.9:0", false},
		"a lie in its own header":   {proxy, http.Header{"X-Forwarded-For": {"127.0.0.1", "203.0.113.9"}}, "203.0.113.9:0", false},
		"a lie that names a proxy":  {proxy, http.Header{"X-Forwarded-For": {"10.9.9.9, 203.0.113.9, 10.1.1.1"}}, "203.0.113.9:0", false},
		"two proxies":               {proxy, http.Header{"X-Forwarded-For": {"203.0.113.9, 10.1.1.1"}, "X-Forwarded-Proto": {"http", "https"}}, "203.0.113.9:0", true},
		"the first proxy had none":  {proxy, http.Header{"X-Forwarded-Proto": {"https, http"}}, proxy, false},
		"a lie that is no address":  {proxy, http.Header{"X-Forwarded-For": {"<script>, 203.0.113.9"}}, "203.0.113.9:0", false},
		"no address at all":         {proxy, http.Header{"X-Forwarded-For": {"unknown"}}, proxy, false},
		"from a proxy's own health": {proxy, http.Header{"X-Forwarded-For": {"10.1.1.1"}}, "10.1.1.1:0", false},
		"IPv6":                      {"[::ffff:10.1.2.3]:1", http.Header{"X-Forwarded-For": {"2001:db8::1"}}, "[2001:db8::1]:0", false},
		"IPv4 in IPv6":              {proxy, http.Header{"X-Forwarded-For": {"::ffff:203.0.113.9"}}, "203.0.113.9:0", false},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://api.example.com/", nil)
		r.RemoteAddr = test.peer
		if test.header != nil {
			r.Header = test.header
		}
		handler := behindProxies([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.RemoteAddr != test.from || (r.TLS != nil) != test.secure {
				t.Errorf("%s: from %s, over TLS %t", name, r.RemoteAddr, r.TLS != nil)
			}
		}))
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
}
