package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/config-service/config-service/deploy"
	"github.com/config-service/config-service/server/internal/fault"
)

// templatePath is where the template of a sidecar is served.
const templatePath = "/sidecar-template.yml"

// The networks of the template.
const (
	privateNetwork = "private-network"
	sharedNetwork  = "shared-network"
)

// sidecarTemplate serves the template of a sidecar for Docker Compose, filled in with what is
// asked for and what the platform has set. It holds nothing of the store: it is for everybody.
type sidecarTemplate struct {
	platform deploy.Compose
	refused  *refusals
}

func (s *sidecarTemplate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	filled, err := s.asked(r.URL.RawQuery)
	if err != nil {
		s.refused.answer(w, r, byQuery, err)
		return
	}
	text, err := filled.YAML()
	if err != nil { // what was asked for is checked, and so are the settings
		s.refused.answer(w, r, byQuery, fmt.Errorf("fill the template in: %w", err))
		return
	}
	name := "sidecar-template.yml"
	if filled.SharedNetwork {
		name = "sidecar-template-shared-network.yml" // as its head has it
	}
	h := w.Header()
	h.Set("Content-Type", "text/yaml; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write([]byte(text)) // a client that went away is no news
}

// asked reads a query as strictly as that of a method.
func (s *sidecarTemplate) asked(raw string) (deploy.Compose, error) {
	filled := s.platform
	query, err := url.ParseQuery(raw)
	if err != nil {
		return filled, fault.Field("query", errors.New("is malformed; accepted: name=value pairs joined by '&', percent-encoded"))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		value, err := query[name][0], error(nil)
		switch name {
		case "service":
			filled.Service, err = value, deploy.CheckName(value)
		case "environment":
			filled.Environment, err = value, deploy.CheckName(value)
		case "variant":
			filled.SharedNetwork = value == sharedNetwork
			if value != sharedNetwork && value != privateNetwork {
				err = fmt.Errorf("is %s; accepted: %s, %s", quoteName(value), privateNetwork, sharedNetwork)
			}
		default:
			return filled, fault.Field(quoteName(name), errors.New("is no parameter of this path; accepted: service, environment, variant"))
		}
		switch {
		case len(query[name]) > 1:
			return filled, fault.Field(name, errors.New("is given more than once; accepted: one value"))
		case err != nil:
			return filled, fault.Field(name, err)
		}
	}
	return filled, nil
}
