// Package inspect tells what is wrong with a sidecar, in a manifest of Kubernetes or a file of
// Docker Compose. It looks at the text alone, and is silent about what that does not tell.
package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/config-service/config-service/clients/cli/internal/workload"
)

// Finding is something that is wrong.
type Finding struct {
	Line int
	What string
	Do   string // what to do about it
}

// Report is what is told of a file.
type Report struct {
	Findings []Finding // by line
	Good     []string  // the sidecars with which nothing is wrong
	Notes    []string  // what is worth a look, and not wrong
}

// File looks at a file.
func File(text []byte) (*Report, error) {
	documents, _, err := workload.Read(text)
	if err != nil {
		return nil, err
	}
	r := &Report{}
	composed := 0
	for _, d := range documents {
		if len(d.Content) == 1 && isCompose(d.Content[0]) {
			composed++
			r.compose(d.Content[0])
		}
	}
	pods := workload.Find(documents)
	if composed == 0 && len(pods) == 0 {
		if pods = workload.Parts(documents); len(pods) == 0 {
			return nil, errors.New("there is no workload in it; accepted: a manifest with a " + workload.Kinds +
				", what 'configctl sidecar kubernetes' or 'helm template' prints, or a file of Docker Compose")
		}
		r.Notes = append(r.Notes, "this is a part of a pod's spec; what depends on the rest of the pod is not looked at")
	}
	r.pods(pods)
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.Line, b.Line) })
	return r, nil
}

// about is what is found at one sidecar.
type about struct {
	who      string
	findings []Finding
}

func (a *about) wrong(at *yaml.Node, do, what string, args ...any) {
	a.findings = append(a.findings, Finding{at.Line, a.who + ": " + fmt.Sprintf(what, args...), do})
}

func (r *Report) add(a *about) {
	r.Findings = append(r.Findings, a.findings...)
	if len(a.findings) == 0 {
		r.Good = append(r.Good, a.who)
	}
}
