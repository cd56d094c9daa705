// Command recheck holds a fault campaign that was kept against every check once more:
//
//	go run ./server/internal/robust/recheck DIR
package main

import (
	"fmt"
	"os"

	"github.com/config-service/config-service/server/internal/robust"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: recheck DIR, where DIR holds the history of a campaign")
		os.Exit(2)
	}
	run, err := robust.Load(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	fmt.Printf("campaign %s, SEED=%d\n", run.Plan.Name, run.Plan.Seed)
	for _, f := range run.Figures() {
		fmt.Println(f)
	}
	violations := run.Violations()
	for _, v := range violations {
		fmt.Println(v)
	}
	fmt.Println(len(violations), "violations")
	if len(violations) > 0 {
		os.Exit(1)
	}
}
