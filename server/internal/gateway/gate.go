package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/munnerz/goautoneg"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/identity"
)

// gate lets a request through to the routes, cleaned, or refuses it.
type gate struct {
	hosts   hosts
	isSpare func(context.Context) bool
	knows   func(context.Context) bool // nil: everybody
	peer    func(context.Context) *identity.UnixPeer
	routes  []route        // those that are served
	unary   http.Handler   // the methods of the contract that answer once
	stream  http.Handler   // and those that stream
	direct  direct         // what of unary is asked for most
	plain   *http.ServeMux // what is no method of the contract
	refused *refusals

	hasTemplate bool // of a sidecar, among plain
}

// noSniff is the value of a header of every answer. Nobody writes to it.
var noSniff = []string{"nosniff"}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = noSniff
	spare := g.isSpare(r.Context())
	if spare {
		w.Header().Set("Connection", "close")
	}
	if hasBody(r) {
		// For a refused request it stays: net/http reads on before it closes.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // unsupported only where there is no socket
	}
	if err := g.hosts.check(r); err != nil {
		g.refused.answer(w, r, byHost, err)
		return
	}
	if err := sameSite(r); err != nil {
		g.refused.answer(w, r, byOrigin, err)
		return
	}
	rt := routeOf(g.routes, r.URL.Path)
	if rt == nil || !rt.takesBody() || r.Method != http.MethodPost {
		if err := drainBody(w, r); err != nil {
			g.refused.answer(w, r, byBody, err)
			return
		}
	}
	switch {
	case rt == nil: // a probe is answered there
		g.servePlain(w, r)
	case spare:
		g.refused.answer(w, r, byConnections, tooManyConnections())
	default:
		g.serveRoute(w, r, rt)
	}
}

func (g *gate) serveRoute(w http.ResponseWriter, r *http.Request, rt *route) {
	ev := g.evidence(r)
	withheld := rt.takesLarge(r) && g.knows != nil && !g.knows(identity.WithEvidence(r.Context(), ev))
	if withheld {
		r = withoutBody(w, r)
	}
	clean, by, err := rt.clean(w, r, ev)
	if withheld {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout)) // net/http reads on before it closes
	}
	if err != nil {
		g.refused.answer(w, r, by, err)
		return
	}
	if !rt.streams() {
		if key := g.direct.keyOf(rt, clean); key != "" {
			g.direct.answer(w, clean, key)
			return
		}
		g.unary.ServeHTTP(w, clean)
		return
	}
	begun := &beginning{ResponseWriter: w}
	g.stream.ServeHTTP(begun, clean.WithContext(context.WithValue(clean.Context(), beginningKey{}, begun)))
}

// evidence is what a request says of who sent it. It goes on beside the headers that are
// forwarded, and never as one of them.
func (g *gate) evidence(r *http.Request) *identity.Evidence {
	ev := &identity.Evidence{Authorization: r.Header["Authorization"], Peer: g.peer(r.Context())}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		ev.Certificates = r.TLS.VerifiedChains[0]
	}
	return ev
}

func tooManyConnections() error {
	return fault.New(configv1.ErrorReason_NOT_READY, "as many connections are open as CONFIG_MAX_CONNECTIONS allows; close some, or come back later")
}

func (g *gate) servePlain(w http.ResponseWriter, r *http.Request) {
	h, pattern := g.plain.Handler(r)
	switch {
	case pattern == "" || r.URL.Path != pattern:
		g.refused.answer(w, r, byPath, fault.New(configv1.ErrorReason_NO_SUCH_METHOD,
			"there is nothing at this path; accepted: %s", pathsOf(g.routes, g.hasTemplate)))
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		g.refused.answer(w, r, byMethod, wrongMethod(w, unaryMethods))
	default:
		h.ServeHTTP(w, r)
	}
}

// clean returns the request as its route sees it: a POST, see cleanBody, or a GET with a
// checked query, one media type, and no header that is not on the list, with the evidence
// beside; or why it is refused.
func (rt *route) clean(w http.ResponseWriter, r *http.Request, ev *identity.Evidence) (clean *http.Request, by string, err error) {
	if rt.takesBody() {
		return rt.cleanBody(w, r, ev)
	}
	if r.Method != http.MethodGet && (r.Method != http.MethodHead || rt.allow != unaryMethods) {
		return nil, byMethod, wrongMethod(w, rt.allow)
	}
	accept, err := negotiate(r.Header.Values("Accept"), rt.offers)
	if err != nil {
		return nil, byAccept, err
	}
	query, err := rt.checkQuery(r.URL.RawQuery)
	if err != nil {
		return nil, byQuery, err
	}
	header, err := cleanHeader(r.Header, accept)
	if err != nil {
		return nil, byHeader, err
	}
	if rt.method == "Watch" {
		query = withLastEventID(query, r.Header.Get("Last-Event-ID"))
	}
	ctx := identity.WithEvidence(r.Context(), ev)
	on := condition{ifNoneMatch: strings.Join(r.Header.Values("If-None-Match"), ","), untagged: asks(query, "include_hidden")}
	if on.untagged && accept == mimeText {
		return nil, byQuery, fault.Field("include_hidden", errors.New("is not taken for text/plain, in which a line is what is in effect; accepted: application/json"))
	}
	if on != (condition{}) {
		ctx = context.WithValue(ctx, conditionKey{}, on)
	}
	clean = r.WithContext(ctx)
	clean.Method, clean.Header = http.MethodGet, header
	if query != nil {
		u := *r.URL
		u.RawQuery = query.Encode()
		clean.URL = &u
	}
	return clean, "", nil
}

// asks says whether a checked query has a parameter that is true.
func asks(query url.Values, name string) bool {
	if !query.Has(name) {
		return false
	}
	yes, _ := strconv.ParseBool(query.Get(name)) // what is no bool was refused
	return yes
}

func wrongMethod(w http.ResponseWriter, allow string) error {
	w.Header().Set("Allow", allow)
	e := fault.New(configv1.ErrorReason_INVALID_ARGUMENT, "this path does not take the method; accepted: %s", allow)
	e.HTTP = http.StatusMethodNotAllowed
	return e
}

// hosts are the host names that requests may be for. A page in a browser can reach
// loopback under any name its author makes point there; the list stops that.
type hosts map[string]struct{}

func newHosts(extra []string) hosts {
	h := hosts{"localhost": {}, "127.0.0.1": {}, "::1": {}}
	for _, name := range extra {
		h[strings.ToLower(name)] = struct{}{}
	}
	return h
}

func (h hosts) check(r *http.Request) error {
	host := r.Host
	if name, port, err := net.SplitHostPort(host); err == nil && strings.Trim(port, "0123456789") == "" {
		host = name
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if _, ok := h[host]; ok {
		return nil
	}
	return fault.New(configv1.ErrorReason_PERMISSION_DENIED,
		"this host name is not served; accepted: localhost, 127.0.0.1, [::1] and those of CONFIG_ALLOWED_HOSTS")
}

// sameSite refuses what a browser sends on behalf of another site. Unlike
// http.CrossOriginProtection it does so for GET too: here reading is what matters.
func sameSite(r *http.Request) error {
	site := r.Header.Get("Sec-Fetch-Site")
	ok := site == "" || site == "none" || site == "same-origin"
	if origin := r.Header.Get("Origin"); ok && origin != "" {
		u, err := url.Parse(origin)
		ok = err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
	}
	if ok {
		return nil
	}
	return fault.New(configv1.ErrorReason_PERMISSION_DENIED,
		"a browser sent this for a page of another site; accepted: requests of programs, and of pages of this host")
}

// negotiate returns the offer that the Accept headers like best; of equals the first
// offered.
func negotiate(accept, offers []string) (string, error) {
	if len(accept) == 0 || (len(accept) == 1 && (accept[0] == "*/*" || accept[0] == offers[0])) {
		return offers[0], nil
	}
	clauses := goautoneg.ParseAccept(strings.Join(accept, ","))
	if len(clauses) == 0 && strings.Trim(strings.Join(accept, ""), ", \t") == "" {
		return offers[0], nil // an empty header asks for nothing in particular
	}
	best, bestQ := "", 0.0
	for _, offer := range offers {
		if q := quality(clauses, offer); q > bestQ {
			best, bestQ = offer, q
		}
	}
	if best == "" {
		e := fault.New(configv1.ErrorReason_INVALID_ARGUMENT, "no media type in the Accept header can be served here; accepted: %s", strings.Join(offers, ", "))
		e.HTTP = http.StatusNotAcceptable
		return "", e
	}
	return best, nil
}

// quality is the q-value of the most specific clause that matches the offer.
func quality(clauses []goautoneg.Accept, offer string) float64 {
	typ, sub, _ := strings.Cut(offer, "/")
	specific, q := 0, 0.0
	for _, c := range clauses {
		rank := 0
		switch {
		case strings.EqualFold(c.Type, typ) && strings.EqualFold(c.SubType, sub):
			rank = 3
		case strings.EqualFold(c.Type, typ) && c.SubType == "*":
			rank = 2
		case c.Type == "*" && c.SubType == "*":
			rank = 1
		}
		if rank > specific {
			specific, q = rank, c.Q
		}
	}
	return q
}
