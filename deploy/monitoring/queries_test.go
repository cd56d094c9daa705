package monitoring_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// query is a query of the dashboard or of an alert, and where it stands.
type query struct{ where, text string }

// dashboard is as much of Grafana's model as the tests look at.
type dashboard struct {
	UID, Title string
	Templating struct {
		List []struct {
			Name, Type string
			Definition string
			AllValue   string
			Query      json.RawMessage
		}
	}
	Panels []panel
}

type panel struct {
	ID          int
	Type, Title string
	Description *string
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		RefID, Expr string
		Datasource  struct{ UID string }
	}
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// variables are what Grafana puts into a query where everything is chosen.
var variables = strings.NewReplacer("$environment", ".*", "$namespace", ".*", "$instance", ".*", "$__rate_interval", "2m")

func dashboardQueries(t *testing.T) (all []query) {
	t.Helper()
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			all = append(all, query{fmt.Sprintf("the panel %q", p.Title), variables.Replace(target.Expr)})
		}
	}
	return all
}

func readAlerts(t *testing.T) *rulefmt.RuleGroups {
	t.Helper()
	groups, errs := rulefmt.ParseFile("alerts.yaml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return groups
}

func alertQueries(t *testing.T) (all []query) {
	t.Helper()
	for _, g := range readAlerts(t).Groups {
		for _, r := range g.Rules {
			all = append(all, query{"the alert " + r.Alert, r.Expr})
		}
	}
	return all
}

// selectorsOf are the metrics of a query with the labels that it asks for, and all the labels
// that it groups by.
func selectorsOf(t *testing.T, q query) (selectors []*parser.VectorSelector, grouped []string) {
	t.Helper()
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(q.text)
	if err != nil {
		t.Fatalf("%s: %v\n%s", q.where, err, q.text)
	}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			selectors = append(selectors, n)
		case *parser.AggregateExpr:
			grouped = append(grouped, n.Grouping...)
		case *parser.BinaryExpr:
			if n.VectorMatching != nil {
				grouped = append(append(grouped, n.VectorMatching.MatchingLabels...), n.VectorMatching.Include...)
			}
		}
		return nil
	})
	return selectors, grouped
}

// TestEveryQueryIsOfWhatThereIs holds every query of the dashboard and of the alerts against
// the metrics of real servers: each metric exists with the labels that are asked for, each
// value of a label that is asked for by name exists too, and the query can be evaluated. A
// query of the dashboard has a result, or says that nothing is wrong.
func TestEveryQueryIsOfWhatThereIs(t *testing.T) {
	s := scrape(t, fleet(t))
	for _, q := range append(dashboardQueries(t), alertQueries(t)...) {
		selectors, grouped := selectorsOf(t, q)
		if len(selectors) == 0 {
			t.Errorf("%s asks for no metric", q.where)
		}
		known := map[string]bool{}
		for _, sel := range selectors {
			names := s.series[sel.Name]
			if names == nil {
				t.Errorf("%s asks for %s, which is in no /metrics", q.where, sel.Name)
				continue
			}
			for name := range names {
				known[name] = true
			}
			for _, m := range sel.LabelMatchers {
				if !names[m.Name] {
					t.Errorf("%s asks for the label %s of %s, which has none", q.where, m.Name, sel.Name)
				}
			}
			s.matchersMean(t, q, sel)
		}
		for _, name := range grouped {
			if !known[name] {
				t.Errorf("%s groups or joins by the label %s, which no metric in it has", q.where, name)
			}
		}
		if _, _, err := s.ask(t, q.text); err != nil {
			t.Errorf("%s: %v\n%s", q.where, err, q.text)
		}
	}
}

// mayBeEmpty are matchers of what is not there without trouble or work: results of calls.
var mayBeEmpty = []string{"grpc_code"}

// matchersMean sees that each matcher alone finds something, so that none is of a value that
// no server says.
func (s *scraped) matchersMean(t *testing.T, q query, sel *parser.VectorSelector) {
	t.Helper()
	for _, m := range sel.LabelMatchers {
		if slices.Contains(mayBeEmpty, m.Name) {
			continue
		}
		alone := fmt.Sprintf("{%s=%s, %s}", labels.MetricName, quoted(sel.Name), m.String())
		values := []string{alone}
		if m.Type == labels.MatchRegexp && strings.Contains(m.Value, "|") {
			values = nil
			for _, v := range strings.Split(m.Value, "|") {
				values = append(values, fmt.Sprintf("{%s=%s, %s=~%s}", labels.MetricName, quoted(sel.Name), m.Name, quoted(v)))
			}
		}
		for _, one := range values {
			if _, empty, err := s.ask(t, one); err != nil || empty {
				t.Errorf("%s: %s finds nothing, %v", q.where, one, err)
			}
		}
	}
}

// TestTheDashboardShowsSomething evaluates every panel: on a fleet that is well none is
// empty, but for those that count what is wrong.
func TestTheDashboardShowsSomething(t *testing.T) {
	s := scrape(t, fleet(t))
	emptyWhenWell := []string{"Unusable keys", "Certificates that end first"}
	for _, p := range readDashboard(t).Panels {
		shows := len(p.Targets) == 0
		for _, target := range p.Targets {
			_, empty, err := s.ask(t, variables.Replace(target.Expr))
			shows = shows || (err == nil && !empty)
		}
		if !shows && !slices.Contains(emptyWhenWell, p.Title) {
			t.Errorf("the panel %q is empty", p.Title)
		}
	}
}

// TestNoAlertOnAFleetThatIsWell evaluates the expression of every alert. One alert is right:
// there is only one control server, and this test says so.
func TestNoAlertOnAFleetThatIsWell(t *testing.T) {
	s := scrape(t, fleet(t))
	for _, q := range alertQueries(t) {
		result, empty, err := s.ask(t, q.text)
		if err != nil {
			t.Fatalf("%s: %v", q.where, err)
		}
		if fires := !empty; fires != (q.where == "the alert ConfigServiceControlTooFew") {
			t.Errorf("%s fires: %v; %s", q.where, fires, result)
		}
	}
}
