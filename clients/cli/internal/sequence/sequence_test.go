package sequence_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/config-service/config-service/clients/cli/internal/sequence"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func set(environment, key, text string) *adminv1.Change {
	return &adminv1.Change{Environment: environment, Key: key, Operation: &adminv1.Change_Set{Set: structpb.NewStringValue(text)}}
}

func gone(environment, key string) *adminv1.Change {
	return &adminv1.Change{Environment: environment, Key: key, Operation: &adminv1.Change_Delete{Delete: true}}
}

// keys are n keys, each with a text, and what sets or deletes them.
func keys(n int, form, text string) (tree.Content, []*adminv1.Change, []*adminv1.Change) {
	content := tree.Content{}
	var sets, deletions []*adminv1.Change
	for i := range n {
		key := fmt.Sprintf(form, i)
		content[key] = structpb.NewStringValue(text)
		sets, deletions = append(sets, set("p", key, text)), append(deletions, gone("p", key))
	}
	return content, sets, deletions
}

// walk holds every commit of an order to the limits of a commit and of a scope, and returns
// what is left at the end.
func walk(t *testing.T, namespace string, held sequence.Held, order [][]*adminv1.Change) sequence.Held {
	t.Helper()
	for n, changes := range order {
		if !sequence.Fits(changes) || len(changes) == 0 {
			t.Errorf("commit %d has %d changes", n+1, len(changes))
		}
		held = held.After(changes)
		for environment, content := range held {
			if err := tree.CheckSize(namespace, content); err != nil {
				t.Errorf("after commit %d, %s %v", n+1, environment, err)
			}
		}
	}
	return held
}

// A full scope is replaced by another: there is an order that passes no limit, of keys or of
// bytes, and it ends where it should.
func TestFullScopeIsReplaced(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		namespace string
		n         int
		text      string
	}{
		"keys":   {"a", 9_000, "x"},
		"bytes":  {"a", 900, strings.Repeat("x", 1100)},
		"shared": {"_shared", 1_900, "x"},
		"few":    {"a", 4, strings.Repeat("x", 250<<10)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, _, deletions := keys(c.n, "old.k%d", c.text)
			wanted, sets, _ := keys(c.n, "new.k%d", c.text)
			now := sequence.Held{"p": old}
			orders := sequence.Orders(c.namespace, now, append(sets, deletions...))
			if len(orders) == 0 {
				t.Fatal("there is no order")
			}
			for _, order := range orders {
				end := walk(t, c.namespace, now, order)["p"]
				if len(end) != len(wanted) || end["new.k0"] == nil {
					t.Errorf("%d keys are left, want %d", len(end), len(wanted))
				}
			}
			if len(now["p"]) != c.n || now["p"]["old.k0"] == nil {
				t.Error("what is held was changed")
			}
		})
	}
}

// Keys with the same first name are in one commit where there is room, also when each is
// renamed.
func TestKeysStayTogether(t *testing.T) {
	t.Parallel()
	now := sequence.Held{"p": tree.Content{}}
	var changes []*adminv1.Change
	for i := range 100 {
		for j := range 30 {
			key := fmt.Sprintf("group%d.old%d", i, j)
			now["p"][key] = structpb.NewStringValue("x")
			changes = append(changes, gone("p", key), set("p", fmt.Sprintf("group%d.new%d", i, j), "x"))
		}
	}
	order := sequence.Orders("a", now, changes)[0]
	if len(order) != 2 {
		t.Fatalf("%d commits", len(order))
	}
	at := map[string]int{}
	for n, commit := range order {
		for _, c := range commit {
			group, _, _ := strings.Cut(c.GetKey(), ".")
			if before, ok := at[group]; ok && before != n {
				t.Fatalf("%s is in commits %d and %d", group, before+1, n+1)
			}
			at[group] = n
		}
	}
	walk(t, "a", now, order)
}

// Values that grow wait for those that shrink; a commit names 20 environments at most.
func TestRoomAndEnvironments(t *testing.T) {
	t.Parallel()
	now := sequence.Held{"p": tree.Content{}}
	var changes []*adminv1.Change
	for i := range 4 {
		now["p"][fmt.Sprintf("z%d", i)] = structpb.NewStringValue(strings.Repeat("x", 250<<10))
		changes = append(changes, set("p", fmt.Sprintf("a%d", i), strings.Repeat("x", 240<<10)), set("p", fmt.Sprintf("z%d", i), "small"))
	}
	orders := sequence.Orders("a", now, changes)
	if len(orders) != 1 || orders[0][0][0].GetKey() != "z0" {
		t.Fatalf("%d orders, first %v", len(orders), orders[0][0][0].GetKey())
	}
	walk(t, "a", now, orders[0])
	var many []*adminv1.Change
	for i := range 41 {
		many = append(many, set(fmt.Sprintf("e%d", i), "k", "x"))
	}
	if order := sequence.Orders("a", sequence.Held{}, many)[0]; len(order) != 3 {
		t.Errorf("41 environments are %d commits", len(order))
	}
	if sequence.Fits(many) || !sequence.Fits(many[:20]) {
		t.Error("a commit takes 20 environments")
	}
}

// What does not fit in the end has no order.
func TestTooMuchHasNoOrder(t *testing.T) {
	t.Parallel()
	old, _, _ := keys(9_000, "old.k%d", "x")
	_, sets, _ := keys(8_000, "new.k%d", "x")
	if orders := sequence.Orders("a", sequence.Held{"p": old}, sets); len(orders) != 0 {
		t.Errorf("%d orders", len(orders))
	}
}
