package identity_test

import (
	"crypto/x509"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"google.golang.org/grpc/metadata"

	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/servertest"
)

const (
	mine    = "payment-service/production"
	theirs  = "order-service/production"
	nobodys = "UNAUTHENTICATED"
)

// TestWhoCalls is every evidence over every transport: good, wrong, ended, another's.
func TestWhoCalls(t *testing.T) {
	t.Parallel()
	ec, stranger := newSigner(t, "ec", jose.ES256), newSigner(t, "ec", jose.ES256)
	token, line := entry(t, "service: payment-service, environment: production")
	other, otherLine := entry(t, "service: order-service, environment: production")
	over, overLine := entry(t, "service: payment-service, environment: production, expires: 2020-01-01T00:00:00Z")
	me := uint32(os.Getuid())
	rules := []identity.MapRule{
		kubernetes,
		{DNS: "{service}.{environment}.internal"},
		{SPIFFE: "spiffe://example.org/{environment}/{service}"},
		{UID: &me, Service: "payment-service", Environment: "production"},
	}
	d := openDoors(t, newTrial(t, line+otherLine+overLine, keySet(t, ec), rules...), true)
	jwt := ec.sign(t, with(t, nil))
	theirJWT := ec.sign(t, with(t, map[string]any{"sub": "system:serviceaccount:production:order-service"}))
	dns, spiffe := d.authority.Client(t, []string{"payment-service.production.internal"}), d.authority.Client(t, nil, "spiffe://example.org/production/payment-service")
	unnamed := d.authority.Client(t, []string{"example.com"})
	stranger2 := servertest.NewAuthority(t).Client(t, []string{"payment-service.production.internal"})

	plain, unix := d.caller(t, "plain"), d.caller(t, "unix")
	bare, withDNS, withSPIFFE := d.caller(t, "tls"), d.caller(t, "tls", dns), d.caller(t, "tls", spiffe)
	bearer := func(tokens ...string) (headers []string) {
		for _, token := range tokens {
			headers = append(headers, "authorization", "Bearer "+token)
		}
		return headers
	}
	onUnix := mine
	if runtime.GOOS != "linux" {
		onUnix = nobodys
	}
	rows := []struct {
		name    string
		caller  caller
		headers []string
		want    string // "": refused somehow
	}{
		{"nothing", plain, nil, nobodys},
		{"a token", plain, bearer(token), mine},
		{"a token, another case of the scheme", plain, []string{"authorization", "bEARER " + token}, mine},
		{"another's token", plain, bearer(other), theirs},
		{"a wrong token", plain, bearer(token + "a"), nobodys},
		{"an expired token", plain, bearer(over), nobodys},
		{"two tokens", plain, bearer(token, token), nobodys},
		{"a token and a JWT", plain, bearer(token, jwt), nobodys},
		{"another scheme", plain, []string{"authorization", "Basic " + token}, nobodys},
		{"an empty header", plain, []string{"authorization", ""}, nobodys},
		{"12 KiB of dots", plain, bearer(strings.Repeat(".", 12<<10)), nobodys},
		{"1 MiB of dots", plain, bearer(strings.Repeat(".", 1<<20)), ""},

		{"a JWT", plain, bearer(jwt), mine},
		{"another's JWT", plain, bearer(theirJWT), theirs},
		{"a JWT of another signature", plain, bearer(stranger.sign(t, with(t, nil))), nobodys},
		{"an expired JWT", plain, bearer(ec.sign(t, with(t, map[string]any{"exp": today.Unix() - 60}))), nobodys},
		{"two JWTs", plain, bearer(jwt, jwt), nobodys},
		{"a JWT of 12 KiB", plain, bearer(ec.sign(t, with(t, map[string]any{"x": strings.Repeat("a", 8<<10)}))), mine},

		{"TLS and nothing", bare, nil, nobodys},
		{"TLS and a token", bare, bearer(token), mine},
		{"a certificate", withDNS, nil, mine},
		{"a SPIFFE certificate", withSPIFFE, nil, mine},
		{"a certificate of no rule", d.caller(t, "tls", unnamed), nil, nobodys},
		{"a certificate of another authority", d.caller(t, "tls", stranger2), nil, ""},
		{"a certificate, and another's token", withDNS, bearer(other), theirs},
		{"a certificate, and a wrong token", withDNS, bearer(token + "a"), nobodys},
		{"a certificate, and another scheme", withDNS, []string{"authorization", "Basic x"}, nobodys},
		{"a certificate, and an empty header", withDNS, []string{"authorization", ""}, nobodys},

		{"a Unix user", unix, nil, onUnix},
		{"a Unix user, and another's token", unix, bearer(other), theirs},
		{"a Unix user, and a wrong token", unix, bearer(token + "a"), nobodys},
		{"a Unix user, and two tokens", unix, bearer(token, token), nobodys},
	}
	for name, value := range map[string]string{
		"grpcgateway-authorization": "Bearer " + token, "grpc-metadata-authorization": "Bearer " + token, "proxy-authorization": "Bearer " + token,
		"x-authorization": "Bearer " + token, "x-forwarded-authorization": "Bearer " + token, "cookie": "authorization=Bearer " + token,
		"x-forwarded-client-cert": "URI=spiffe://example.org/production/payment-service", "x-forwarded-user": "payment-service",
		"x-namespace": "payment-service", "x-forwarded-for": "127.0.0.1", "evidence": "x", "x-remote-uid": "0",
	} {
		rows = append(rows, struct {
			name    string
			caller  caller
			headers []string
			want    string
		}{"the header " + name, plain, []string{name, value}, nobodys})
	}
	for _, row := range rows {
		for _, transport := range transports {
			if strings.HasPrefix(transport, "gRPC") && row.name == "1 MiB of dots" {
				continue // a client of gRPC does not send it
			}
			got := row.caller.ask(t, transport, row.headers)
			if got != row.want && (row.want != "" || strings.Contains(got, "/")) {
				t.Errorf("%s, %s: %s, want %q", row.name, transport, got, row.want)
			}
		}
	}

	// An authority is withdrawn while the connections are open.
	for _, step := range []struct {
		roots *x509.CertPool
		want  string
	}{{d.authority.Pool, mine}, {servertest.NewAuthority(t).Pool, nobodys}, {d.authority.Pool, mine}} {
		d.now.Store(&[]time.Time{time.Now()}[0])
		d.roots.set(step.roots)
		for _, transport := range transports {
			if got := withDNS.ask(t, transport, nil); got != step.want {
				t.Errorf("of other authorities: a certificate, %s: %s, want %s", transport, got, step.want)
			}
		}
	}
	d.roots.set(nil)
	d.now.Store(&today)

	// Each is revoked while its connection is open.
	somebodyElse := me + 1
	d.tokens.set(parseTokens(t, otherLine))
	d.keys.set(keySet(t, newSigner(t, "ec", jose.ES256)))
	d.mapping.set(newMapping(t, kubernetes, identity.MapRule{DNS: "{service}.{environment}.example"}, identity.MapRule{UID: &somebodyElse, User: "alice"}))
	for _, row := range rows {
		want := row.want
		if want == mine || strings.Contains(row.name, "JWT") {
			want = nobodys
		}
		for _, transport := range transports {
			if got := row.caller.ask(t, transport, row.headers); row.want != "" && got != want {
				t.Errorf("after it was revoked: %s, %s: %s, want %q", row.name, transport, got, want)
			}
		}
	}
}

// Where certificates are the only evidence, nobody gets in without one.
func TestCertificatesAlone(t *testing.T) {
	t.Parallel()
	d := openDoors(t, newTrial(t, "", nil, identity.MapRule{DNS: "{service}.{environment}.internal"}), false)
	cert := d.authority.Client(t, []string{"payment-service.production.internal"})
	with, without := d.caller(t, "tls", cert), d.caller(t, "tls")
	for _, transport := range transports {
		if got := with.ask(t, transport, nil); got != mine {
			t.Errorf("%s with a certificate: %s", transport, got)
		}
		if got := without.ask(t, transport, nil); got != "NOT_READY" {
			t.Errorf("%s without a certificate: %s", transport, got)
		}
	}
}

// Nothing but what the gateway hands on, and what the transport itself knows, is evidence.
func TestEvidenceIsNotMadeOfMetadata(t *testing.T) {
	md := metadata.Pairs("authorization", "Bearer x", "x-forwarded-for", "1.2.3.4")
	ctx := metadata.NewIncomingContext(t.Context(), md)
	if ev := identity.EvidenceOf(ctx); ev.Authorization != nil || ev.Certificates != nil || ev.Peer != nil {
		t.Errorf("a context without a peer has %+v", ev)
	}
	given := identity.Evidence{Certificates: []*x509.Certificate{{}}}
	if ev := identity.EvidenceOf(identity.WithEvidence(ctx, &given)); ev.Authorization != nil || len(ev.Certificates) != 1 {
		t.Errorf("REST has %+v", ev)
	}
}
