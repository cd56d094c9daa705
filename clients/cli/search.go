package main

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/config-service/config-service/clients/cli/internal/show"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func (t *tool) searchCommand() *cobra.Command {
	var of where
	var inKeys, inValues bool
	most := 1000
	cmd := &cobra.Command{
		Use:   "search TEXT",
		Short: "Find keys and values in every scope that you may read",
		Long: `Find the stored entries whose key or value holds TEXT, capitals or not, in every scope that you
may read, or in those of --namespace and --environment. Of a text its characters are searched, of any
other value its compact JSON. What is sensitive, and masked for you, is found by its key only.

With --key only keys are searched, with --value only values. Nothing found is exit code 3.`,
		Example: `  configctl search db.example.com
  configctl search pool_size --key -e production -o json`,
		Args: cobra.ExactArgs(1),
	}
	of.addFlags(cmd)
	cmd.Flags().Lookup("namespace").Usage = "Only this namespace. Default: all."
	cmd.Flags().Lookup("environment").Usage = "Only this environment. Default: all."
	cmd.Flags().BoolVar(&inKeys, "key", false, "Search keys only.")
	cmd.Flags().BoolVar(&inValues, "value", false, "Search values only.")
	cmd.Flags().IntVar(&most, "limit", most, "Show so many results at most; 0: all.")
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		switch {
		case args[0] == "":
			return usage("TEXT is empty; accepted: a part of a key or of a value")
		case most < 0:
			return usage("--limit is %d; accepted: 0 or more", most)
		}
		h := &hunt{session: s, where: of, most: most, found: &adminv1.SearchResponse{}}
		if err := h.look(args[0], inKeys || !inValues, inValues || !inKeys); err != nil {
			return err
		}
		return h.show(args[0])
	})
	return cmd
}

// hunt is a search over all pages.
type hunt struct {
	*session
	where
	most  int // results; 0: all
	found *adminv1.SearchResponse
	more  bool // than there was to be shown
}

// look searches keys, values, or one after the other: what has both is there once.
func (h *hunt) look(text string, keys, values bool) error {
	type place struct{ namespace, environment, key string }
	seen := map[place]bool{}
	for _, req := range []*adminv1.SearchRequest{{Key: text}, {Value: text}} {
		if req.Key != "" && (!keys || values && len(text) > maxKeyPart) || req.Value != "" && !values {
			continue
		}
		err := h.pages(req, func(r *adminv1.SearchResult) bool {
			at := place{r.GetNamespace(), r.GetEnvironment(), r.GetKey()}
			switch {
			case seen[at]:
				return true
			case h.most > 0 && len(h.found.GetResults()) == h.most:
				h.more = true
				return false
			}
			seen[at] = true
			h.found.Results = append(h.found.Results, r)
			return true
		})
		if err != nil {
			return err
		}
	}
	slices.SortFunc(h.found.Results, func(a, b *adminv1.SearchResult) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetEnvironment(), b.GetEnvironment()), cmp.Compare(a.GetKey(), b.GetKey()))
	})
	return nil
}

// maxKeyPart is how long a part of a key can be.
const maxKeyPart = 253

// pages does something with each result, until that has enough.
func (h *hunt) pages(req *adminv1.SearchRequest, do func(*adminv1.SearchResult) bool) error {
	req.Namespace, req.Environment, req.PageSize = h.namespace, h.environment, page
	for {
		ctx, cancel := h.within()
		resp, err := h.admin.Search(ctx, req)
		cancel()
		if err != nil {
			return h.refused(err)
		}
		for _, r := range resp.GetResults() {
			if !do(r) {
				return nil
			}
		}
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			return nil
		}
	}
}

func (h *hunt) show(text string) error {
	if h.more {
		h.say("note: there is more; --limit is %d", h.most)
	}
	if h.machine() {
		if err := show.Message(h.out(), h.format, h.found); err != nil {
			return err
		}
	} else if len(h.found.GetResults()) > 0 {
		rows := [][]string{{"NAMESPACE", "ENVIRONMENT", "KEY", "VALUE"}}
		for _, r := range h.found.GetResults() {
			rows = append(rows, []string{r.GetNamespace(), r.GetEnvironment(), r.GetKey(), contentOfResult(r)})
		}
		if err := show.Fitted(h.out(), h.outPaper, rows); err != nil {
			return err
		}
	}
	if len(h.found.GetResults()) == 0 {
		e := usage("nothing holds %s", strconv.Quote(show.Printable(text)))
		e.Exit, e.Next = 3, ""
		return e
	}
	return nil
}

func contentOfResult(r *adminv1.SearchResult) string {
	switch c := r.GetContent(); {
	case c.GetMasked():
		return "(masked)"
	case c.GetProblem() != "":
		return "(" + show.Printable(c.GetProblem()) + ")"
	default:
		return show.Printable(tree.JSON(c.GetValue()))
	}
}
