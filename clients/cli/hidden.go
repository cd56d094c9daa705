package main

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/show"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// listHidden lists the effective keys, and what they hide.
func (s *session) listHidden(of where, args []string) error {
	if !s.machine() && s.format != show.Table {
		return usage("--output is %q; accepted with --hidden: %s", s.format, strings.Join(show.Formats(), ", "))
	}
	req := &configv1.ListRequest{Namespace: of.namespace, Environment: of.environment, IncludeHidden: true}
	if len(args) > 0 {
		req.Prefix = args[0]
	}
	ctx, cancel := s.within()
	defer cancel()
	resp, err := s.config.List(ctx, req)
	if err != nil {
		return s.refusedIn(of, err)
	}
	s.noteStale(resp.GetState())
	if s.machine() {
		return show.Message(s.out(), s.format, resp)
	}
	return show.Fitted(s.out(), s.outPaper, layered(resp))
}

// layered are the rows of a list with what is hidden: by key, the stronger layer first.
func layered(resp *configv1.ListResponse) [][]string {
	type line struct {
		key   string
		layer configv1.Layer
		row   []string
	}
	var lines []line
	add := func(key string, layer configv1.Layer, outcome, value string) {
		lines = append(lines, line{key, layer, []string{key, words(layer.String()), outcome, value}})
	}
	for _, e := range resp.GetEntries() {
		add(e.GetKey(), e.GetLayer(), "effective", valueOrNot(e.GetValue(), e.GetMasked()))
	}
	for _, h := range resp.GetHiddenEntries() {
		by := "hidden by " + words(h.GetHiddenBy().GetLayer().String())
		if h.GetHiddenBy().GetKey() != h.GetKey() {
			by += " " + h.GetHiddenBy().GetKey()
		}
		add(h.GetKey(), h.GetLayer(), by, valueOrNot(h.GetValue(), h.GetMasked()))
	}
	for _, key := range resp.GetInvalidKeys() {
		add(key, 0, "unusable", "-")
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		if by := strings.Compare(a.key, b.key); by != 0 {
			return by
		}
		return int(a.layer - b.layer)
	})
	rows := [][]string{{"KEY", "LAYER", "OUTCOME", "VALUE"}}
	for _, l := range lines {
		if l.layer == 0 { // the answer does not say of which
			l.row[1] = "-"
		}
		rows = append(rows, l.row)
	}
	return rows
}

func valueOrNot(v *structpb.Value, masked bool) string {
	switch {
	case masked:
		return "(masked)"
	case v == nil:
		return "-"
	}
	return show.Printable(tree.JSON(v))
}
