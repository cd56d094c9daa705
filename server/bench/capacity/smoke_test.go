package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/config-service/config-service/server/leaktest"
)

// TestMain lets this binary be etcd, as the program itself does.
func TestMain(m *testing.M) {
	if dir, ok := childMode(os.Args); ok {
		if err := serveEtcd(untilTerm(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	leaktest.Main(m)
}

// TestEverythingIsMeasured runs it in small. It asserts that there are figures, and what
// follows from what a sidecar is; never how good they are.
func TestEverythingIsMeasured(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	o := options{sizes: []int{3}, keys: 4, shared: 5, idle: 8 * time.Second, changes: 3}
	f, err := measure(ctx, o, 3)
	if err != nil {
		t.Fatal(err)
	}
	if f.watchers != 12 {
		t.Errorf("three sidecars have %v watches; four each are right", f.watchers)
	}
	if f.connections < 3 || f.resident <= 0 || f.empty <= 0 || f.allThere <= 0 || f.fresh == 0 {
		t.Errorf("the figures are %+v", f)
	}
	if f.idleReads <= 0 || f.idleSent <= 0 || f.sharedP50 <= 0 || f.sharedMax < f.sharedP50 || f.ownP50 <= 0 {
		t.Errorf("the figures are %+v", f)
	}
	g := f
	g.sidecars, g.watchers = 1003, 4012
	var out bytes.Buffer
	report(&out, o, []figures{f, g})
	if want := "| watches | 12 | 4012 | 4000 |"; !strings.Contains(out.String(), want) {
		t.Errorf("the report has no %q:\n%s", want, out.String())
	}
}

func TestOptions(t *testing.T) {
	good := options{sizes: []int{1}, keys: 1, shared: 1, idle: time.Second, changes: 1}
	if err := good.check(nil); err != nil {
		t.Error(err)
	}
	for _, spoil := range []func(*options){
		func(o *options) { o.sizes = nil }, func(o *options) { o.sizes = []int{0} }, func(o *options) { o.keys = 0 },
		func(o *options) { o.shared = 2001 }, func(o *options) { o.changes = 0 }, func(o *options) { o.idle = 0 },
	} {
		bad := good
		spoil(&bad)
		if bad.check(nil) == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if good.check([]string{"x"}) == nil {
		t.Error("an argument is taken")
	}
}
