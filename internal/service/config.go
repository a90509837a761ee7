package service

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/console"
	"chancery/rpc"
)

// Config is the configuration of a service. Every field but Key, Demonstration and Settings is a flag of `chancery
// serve`, the environment variable of the same name (CHANCERY_DATA_DIR), and a
// key of the configuration file, in that order of strength; Flags tells what
// each means. The zero value is not ready for use: Flags sets the defaults.
type Config struct {
	DataDir        string
	Database       string
	Listen         string
	Console        string
	ConsoleURL     string
	TrustedProxies []string
	TLSCert        string
	TLSKey         string
	TLS            string
	MetricsListen  string
	CredentialsOut string
	Products       string
	Issuers        []string
	KeyFile        string
	// Key is the key-encryption key that TakeKey found in the environment; there is no
	// flag for it.
	Key chancery.Secret
	// Settings are the flags as they were given, for the operator to read; no flag either.
	Settings     []admin.Setting
	CAKey        string
	PKIURL       string
	PKIListen    string
	Resolvers    []string
	AllowCIDRs   []string
	HTTPPort     int
	HTTPSPort    int
	DNSPort      int
	ProofWindow  time.Duration
	RepeatWindow time.Duration
	RefundWindow time.Duration
	ClockSkew    time.Duration
	Rates        string
	AuditKeep    time.Duration
	ReadyKeys    int
	StopDelay    time.Duration
	NoticeAllow  []string
	SMTPURL      string
	SMTPFrom     string
	// SMTPPassword is what TakeSMTPPassword found in the environment; there is no flag for it.
	SMTPPassword chancery.Secret
	LogLevel     string
	LogFormat    string
	// Demonstration has the console offer to publish proofs in a zone of the service's
	// own. Only `chancery quickstart` sets it; there is no flag for it.
	Demonstration console.Demonstration
}

// DefaultMetricsListen is where the health of a service is asked for.
const DefaultMetricsListen = "127.0.0.1:8281"

// Flags adds the configuration to a set of flags: the configuration manual.
func (c *Config) Flags(flags *pflag.FlagSet, dataDir string) {
	flags.StringVar(&c.DataDir, "data-dir", dataDir, "directory of the database, its key and the admin socket; made with mode 0700")
	flags.StringVar(&c.Database, "database", "", "PostgreSQL database to use in place of SQLite in the data directory, as postgres://user@host/name; several services may share it, each with a data directory of its own and all with the same key-encryption key. A password is better given in PGPASSWORD or ~/.pgpass")
	flags.StringVar(&c.Listen, "listen", "127.0.0.1:8280", "address of the API")
	flags.StringVar(&c.Console, "console", "on", "the web console at /console/ of the API's address: on or off")
	flags.StringVar(&c.ConsoleURL, "console-url", "", "where people reach the service, as https://certificates.example.com, when that is not the address of the API: links to the console begin with it")
	flags.StringArrayVar(&c.TrustedProxies, "trusted-proxy", nil, "range of addresses of proxies that say in X-Forwarded-For and X-Forwarded-Proto who calls and whether over TLS, as 10.0.0.0/8; repeatable; of others these headers count for nothing")
	flags.StringVar(&c.TLS, "tls", "", `"self" serves the API over TLS with a certificate of the embedded CA`)
	flags.StringVar(&c.TLSCert, "tls-cert", "", "PEM file with the API's certificate and chain; read again when it changes")
	flags.StringVar(&c.TLSKey, "tls-key", "", "PEM file with the key of --tls-cert")
	flags.StringVar(&c.MetricsListen, "metrics-listen", DefaultMetricsListen, `address of /healthz, /readyz and /metrics; "off" for none`)
	flags.StringVar(&c.CredentialsOut, "credentials-out", "", "file for the first account's access key, written on the first start with mode 0600 instead of showing it")
	flags.StringVar(&c.Products, "products", "", "JSON file with the catalogue of products, in place of the built-in one")
	flags.StringArrayVar(&c.Issuers, "issuer", nil, "who issues for a product, as CODE=NAME, where NAME is one of `chancery issuer add`; repeatable")
	flags.StringVar(&c.KeyFile, "keyring-key-file", "", "file with the key-encryption key; without it, and without the key itself in the environment variable CHANCERY_KEYRING_KEY, one is made in the data directory")
	flags.StringVar(&c.CAKey, "ca-key", "ECC_256", "key of a newly made CA: ECC_256, RSA_3072 or RSA_4096")
	flags.StringVar(&c.PKIURL, "pki-url", "", "base URL under which others reach /ca/ of this service over plain HTTP; leaves then carry CRL and AIA locations")
	flags.StringVar(&c.PKIListen, "pki-listen", "", "address of a plain HTTP listener for /ca/ alone, for when the API uses TLS")
	flags.StringArrayVar(&c.Resolvers, "dcv-resolver", nil, "DNS server asked for proofs, as host or host:port; repeatable; default the system's")
	flags.StringArrayVar(&c.AllowCIDRs, "dcv-allow", nil, "range of addresses that proofs may dial besides public ones, as 10.0.0.0/8; repeatable")
	flags.IntVar(&c.HTTPPort, "dcv-http-port", 80, "port of file proofs over http")
	flags.IntVar(&c.HTTPSPort, "dcv-https-port", 443, "port of file proofs over https")
	flags.IntVar(&c.DNSPort, "dcv-dns-port", 53, "port of the domains' own name servers, which are asked before a CA is")
	flags.DurationVar(&c.ProofWindow, "proof-window", cas.DefaultProofWindow, "how long an order waits for its proof")
	flags.DurationVar(&c.RepeatWindow, "repeat-window", cas.DefaultRepeatWindow, "how long the same application sent again gets the first order; 0 turns it off")
	flags.DurationVar(&c.RefundWindow, "refund-window", cas.DefaultRefundWindow, "how long after its issuance a revoked order gives its unit of quota back; 0: never")
	flags.DurationVar(&c.ClockSkew, "clock-skew", rpc.DefaultClockSkew, "how far a request's time may be off")
	flags.StringVar(&c.Rates, "rates", "default", `how often an account may call each operation: "default" for 100 a second and bursts of 200, "documented" for the original's own figures, "off", or a YAML file of rates`)
	flags.DurationVar(&c.AuditKeep, "audit-keep", 400*24*time.Hour, "how long lines of the audit log are kept; 0: for ever")
	flags.IntVar(&c.ReadyKeys, "ready-keys", 32, "how many RSA keys of each size that products use are made ahead and kept, sealed, in the database, for bursts of orders; 0: none")
	flags.DurationVar(&c.StopDelay, "stop-delay", 0, "how long to go on serving once told to stop, while /readyz says no: give a load balancer time to turn to other nodes")
	flags.StringArrayVar(&c.NoticeAllow, "notice-allow", nil, "range of addresses that webhooks of notices may have besides public ones, as 10.0.0.0/8; there they may be without TLS; repeatable")
	flags.StringVar(&c.SMTPURL, "smtp-url", "", "server that takes mail of notices, as smtps://user@mail.example.com:465 or smtp+starttls://user@mail.example.com:587, or smtp://127.0.0.1:25 for one on this machine; the password is given in CHANCERY_SMTP_PASSWORD")
	flags.StringVar(&c.SMTPFrom, "smtp-from", "", "address that mail of notices is from; needed with --smtp-url")
	flags.StringVar(&c.LogLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&c.LogFormat, "log-format", "text", "text or json")
}

// maxReadyKeys bounds the processor time that is spent ahead: for the most it is hours.
const maxReadyKeys = 10_000

// check refuses what no other part refuses under the flag's name.
func (c *Config) check() error {
	for flag, port := range map[string]int{"dcv-http-port": c.HTTPPort, "dcv-https-port": c.HTTPSPort, "dcv-dns-port": c.DNSPort} {
		if port < 0 || port > 65535 {
			return configError(flag, "%d is not a port", port)
		}
	}
	for flag, length := range map[string]time.Duration{"proof-window": c.ProofWindow, "repeat-window": c.RepeatWindow, "clock-skew": c.ClockSkew, "audit-keep": c.AuditKeep, "stop-delay": c.StopDelay} {
		if length < 0 {
			return configError(flag, "%s is negative", length)
		}
	}
	if c.ReadyKeys < 0 || c.ReadyKeys > maxReadyKeys {
		return configError("ready-keys", "%d is not between 0 and %d", c.ReadyKeys, maxReadyKeys)
	}
	if c.Console != "" && c.Console != "on" && c.Console != "off" {
		return configError("console", "%q is not on or off", c.Console)
	}
	if err := checkBase(c.ConsoleURL); err != nil {
		return configError("console-url", "%v", err)
	}
	if c.PKIURL != "" && !strings.HasPrefix(c.PKIURL, "http://") {
		return configError("pki-url", "%q is not of the form http://host", c.PKIURL)
	}
	return nil
}

// checkBase refuses what no address of a page can begin with. There may be none.
func checkBase(text string) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, strings.Trim(u.Path, "/") != "", u.RawQuery+u.Fragment != "":
		return fmt.Errorf("%q is not of the form https://host", text)
	}
	return nil
}

// allowed reads the ranges of addresses that a flag names.
func allowed(flag string, ranges []string) ([]netip.Prefix, error) {
	prefixes := make([]netip.Prefix, len(ranges))
	for i, text := range ranges {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			address, addressErr := netip.ParseAddr(text)
			if addressErr != nil {
				return nil, configError(flag, "%q is not a range of addresses such as 10.0.0.0/8", text)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		prefixes[i] = prefix.Masked()
	}
	return prefixes, nil
}

// rates are those that the configuration names; nil is no limit.
func (c *Config) rates(apis []chancery.API) (rpc.Rates, error) {
	switch c.Rates {
	case "", "default":
		return rpc.EqualRates(rpc.DefaultRate), nil
	case "documented":
		return rpc.DocumentedRates, nil
	case "off":
		return nil, nil
	}
	text, err := os.ReadFile(c.Rates)
	if err != nil {
		return nil, configError("rates", "it is default, documented, off or a file: %v", err)
	}
	rates, err := rpc.ParseRates(text, apis)
	if err != nil {
		return nil, configError("rates", "%s: %v", c.Rates, err)
	}
	return rates, nil
}

func (c *Config) logLevel() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return level, configError("log-level", "%q is not debug, info, warn or error", c.LogLevel)
	}
	return level, nil
}
