package isolation

import "strings"

// attack is one way to ask for what is somebody else's.
type attack struct {
	name string
	// fields replace those of the request that the method has.
	fields map[string]string
	// headers are sent as HTTP headers or as metadata.
	headers [][2]string
	query   string // added to a REST query
	// bearers replace the Authorization value.
	bearers []string
}

// attacks are what a tenant does to reach another one.
func attacks(own, victim *tenant) []attack {
	var all []attack
	for _, ns := range foreignNames(own.namespace, victim.namespace) {
		all = append(all, attack{name: "namespace " + ns, fields: map[string]string{"namespace": ns}})
	}
	for _, env := range []string{"development", "_all", "Production", "production/../development", "*", "production\x00", strings.Repeat("p", 64)} {
		all = append(all, attack{name: "environment " + env, fields: map[string]string{"environment": env}})
		all = append(all, attack{name: "victim in environment " + env, fields: map[string]string{"namespace": victim.namespace, "environment": env}})
	}
	for _, key := range []string{victim.key, "everywhere." + victim.key, "../" + victim.namespace + "/" + victim.key, "/config-service/v1/entries/production/" + victim.namespace + "/" + victim.key, victim.namespace + "/" + victim.key, "a//b", ".", "..", "a\x00b", "a\r\nb", "\u202ea", strings.Repeat("k", 254)} {
		all = append(all, attack{name: "key " + key, fields: map[string]string{"key": key, "prefix": key}})
	}
	for _, key := range []string{victim.key, "everywhere." + victim.key} {
		all = append(all, attack{name: "all that names " + key, fields: map[string]string{"namespace": victim.namespace, "environment": environment, "key": key, "prefix": key}})
	}
	token := *victim.token.Load()
	forged := token[:len(token)-1] + "a"
	if forged == token {
		forged = token[:len(token)-1] + "b"
	}
	for _, h := range [][2]string{
		{"Grpc-Metadata-Authorization", "Bearer " + token}, {"Grpc-Metadata-Namespace", victim.namespace}, {"Grpcgateway-Authorization", "Bearer " + token},
		{"X-Namespace", victim.namespace}, {"X-Service-Name", victim.namespace}, {"X-Project-Id", victim.namespace}, {"X-Forwarded-User", victim.namespace},
		{"X-Forwarded-For", "127.0.0.1"}, {"X-Forwarded-Client-Cert", "URI=spiffe://example.org/production/" + victim.namespace}, {"X-Original-Url", "/v1/config?namespace=" + victim.namespace},
		{"X-Http-Method-Override", "POST"}, {"Cookie", "token=" + token}, {"Proxy-Authorization", "Bearer " + token}, {"X-Remote-User", victim.namespace}, {"User-Agent", "Nacos-Server"},
	} {
		all = append(all, attack{name: "header " + h[0], headers: [][2]string{h}})
	}
	all = append(all,
		attack{name: "two tokens", bearers: []string{own.bearer(), victim.bearer()}},
		attack{name: "two tokens, the other first", bearers: []string{victim.bearer(), own.bearer()}},
		attack{name: "two tokens in one", bearers: []string{own.bearer() + ", " + victim.bearer()}},
		attack{name: "a forged token", bearers: []string{"Bearer " + forged}},
		attack{name: "half a token", bearers: []string{"Bearer " + token[:len(token)/2]}},
		attack{name: "no token", bearers: []string{}},
		attack{name: "an empty token", bearers: []string{"Bearer "}},
		attack{name: "another scheme", bearers: []string{"Basic " + token}},
		attack{name: "a JWT of nobody", bearers: []string{"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0."}},
		attack{name: "token in the query", query: "access_token=" + token},
		attack{name: "namespace twice in the query", query: "namespace=" + own.namespace + "&namespace=" + victim.namespace},
		attack{name: "nothing hostile"},
	)
	return all
}

// foreignNames are names that mean the victim, or something around it, to whoever reads
// them carelessly.
func foreignNames(own, victim string) []string {
	wide := ""
	for _, r := range victim {
		if r >= 'a' && r <= 'z' {
			r += 'ａ' - 'a'
		}
		wide += string(r)
	}
	return []string{
		victim, "_shared", "_all", "nowhere-" + random(4), strings.ToUpper(victim), wide,
		own + "/../" + victim, "..%2f" + victim, "%252e%252e/" + victim, victim + "/", "/" + victim, victim + "\x00", victim + "%00",
		victim + ".", victim + " ", " " + victim, victim + "\r\nx: y", "\xff" + victim, "\u202e" + victim, own + "," + victim, own + ";" + victim,
		"{" + victim + "}", "*", "**", own + "*", own[:len(own)-1], own + "1", "-", ".", "..", "production/" + victim,
		"/config-service/v1/entries/production/" + victim + "/", strings.Repeat("a", 64), strings.Repeat("a", 4000), "${" + victim + "}", "'" + victim + "'",
	}
}
