package gateway

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// openAPI is the document of what this server serves.
type openAPI []byte

func (d openAPI) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", mimeJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(d)))
	_, _ = w.Write(d) // a client that went away is no news
}

// tag is what the document says about a service.
type tag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

var reference = regexp.MustCompile(`"#/definitions/([^"]+)"`)

// openAPIOf returns the document of the whole contract without what the routes do not
// serve: its paths, and the services and messages that only these are about.
func openAPIOf(whole []byte, routes []route) (openAPI, error) {
	var doc, paths, definitions map[string]json.RawMessage
	var tags []tag
	if err := json.Unmarshal(whole, &doc); err != nil {
		return nil, fmt.Errorf("read the OpenAPI document: %w", err)
	}
	for name, into := range map[string]any{"paths": &paths, "definitions": &definitions, "tags": &tags} {
		if err := json.Unmarshal(doc[name], into); err != nil {
			return nil, fmt.Errorf("read %s of the OpenAPI document: %w", name, err)
		}
	}
	served, services := map[string]json.RawMessage{}, map[string]bool{}
	for _, rt := range routes {
		if paths[rt.template] == nil {
			return nil, fmt.Errorf("the OpenAPI document has no path %s", rt.template)
		}
		served[rt.template] = paths[rt.template]
		services[strings.TrimPrefix(path.Ext(rt.service), ".")] = true
	}
	tags = slices.DeleteFunc(tags, func(t tag) bool { return !services[t.Name] })
	for name, part := range map[string]any{"paths": served, "definitions": reached(definitions, served), "tags": tags} {
		text, err := json.Marshal(part)
		if err != nil {
			return nil, fmt.Errorf("write %s of the OpenAPI document: %w", name, err)
		}
		doc[name] = text
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return text, nil
}

// reached are the definitions that the paths refer to, directly or by others.
func reached(definitions, paths map[string]json.RawMessage) map[string]json.RawMessage {
	found := map[string]json.RawMessage{}
	for open := slices.Collect(maps.Values(paths)); len(open) > 0; open = open[1:] {
		for _, m := range reference.FindAllSubmatch(open[0], -1) {
			name := string(m[1])
			if _, known := found[name]; !known {
				found[name] = definitions[name]
				open = append(open, definitions[name])
			}
		}
	}
	return found
}
