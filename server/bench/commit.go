package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/structpb"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// A commit changes commitChanges of the commitKeys of a scope. Each committer has a scope of
// its own, as services have.
const (
	committers    = 32
	commitKeys    = 100
	commitChanges = 5
	commitToken   = "cs_benchedit_abcdefghijklmnopqrstuvwxyz"
)

// startControl starts the server under test in the role that takes commits.
func (l *lab) startControl(ctx context.Context) (*child, error) {
	tokens, rules := filepath.Join(l.dir, "tokens.yaml"), filepath.Join(l.dir, "policy.yaml")
	for path, text := range map[string]string{
		tokens: fmt.Sprintf("- {id: benchedit, digest: \"sha256:%x\", user: bench}\n", sha256.Sum256([]byte(commitToken))),
		rules:  "rules:\n  - {who: [\"user:bench\", \"service:*/*\"], may: [write], namespaces: [\"*\"], environments: [\"*\"]}\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return l.startOurs(ctx, "CONFIG_ROLE=control", "CONFIG_TOKENS_FILE="+tokens, "CONFIG_POLICY_FILE="+rules)
}

// benchCommit measures commits beside bare transactions of etcd's client that read, guard
// and write the same: the scope and its head; the entries, a record and a head.
func benchCommit(ctx context.Context, l *lab) (rows []Row, err error) {
	control, err := l.startControl(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, control.stop()) }()
	conn, err := dial(control.GRPC)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var sides [2][]caller
	for n := range committers {
		ours, bare := fmt.Sprintf("commit-%d", n), fmt.Sprintf("bare-%d", n)
		for _, ns := range []string{ours, bare} {
			if err := l.fill(ctx, ns, commitKeys); err != nil {
				return nil, err
			}
		}
		sides[0] = append(sides[0], commitsTo(conn, ours))
		sides[1] = append(sides[1], l.bareCommitsTo(bare))
	}
	var loads [2][]load
	for round := range l.rounds + 1 { // the first warms up
		for i, callers := range sides {
			var one load
			err := l.profiled(ctx, control, fmt.Sprintf("commit-%d-%s", round, sideNames[i]), func() (err error) {
				one, err = drive(ctx, callers, l.duration)
				return err
			})
			if err != nil {
				return nil, err
			}
			if round > 0 {
				loads[i] = append(loads[i], one)
			}
		}
	}
	each := func(value func(load) float64) (ours, bare []float64) {
		return each(loads[0], value), each(loads[1], value)
	}
	title := fmt.Sprintf("Commit of %d keys in scopes of %d, %d callers, beside bare transactions", commitChanges, commitKeys, committers)
	perSecond, barePerSecond := each(func(o load) float64 { return o.PerSecond })
	p50, bareP50 := each(func(o load) float64 { return o.P50 })
	p99, bareP99 := each(func(o load) float64 { return o.P99 })
	return []Row{
		compare(title+", commits", "1/s", perSecond, barePerSecond).ratioAtLeast(.7),
		throughput("  p50", "us", p50, bareP50).ratioAtLeast(.7),
		throughput("  p99", "us", p99, bareP99),
	}, nil
}

// commitText is a value that no earlier one equals.
func commitText(i int) string { return fmt.Sprintf("%d %d", time.Now().UnixNano(), i) }

func commitsTo(conn *grpc.ClientConn, ns string) caller {
	client := adminv1.NewConfigAdminServiceClient(conn)
	return func(ctx context.Context, i int) error {
		req := &adminv1.CommitRequest{Namespace: ns, Environment: environment, Message: "bench"}
		for n := range commitChanges {
			req.Changes = append(req.Changes, &adminv1.Change{
				Key: keyName((i + n) % commitKeys), Operation: &adminv1.Change_Set{Set: structpb.NewStringValue(commitText(i))},
			})
		}
		resp, err := client.Commit(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+commitToken), req)
		if err == nil && resp.GetRevision() == 0 {
			err = errors.New("an answer has no revision")
		}
		return err
	}
}

// bareCommitsTo does what a commit asks of etcd, and nothing else.
func (l *lab) bareCommitsTo(ns string) caller {
	id := snapshot.ScopeID{Namespace: ns, Environment: environment}
	prefix, head := etcdstore.EntryKey(id, ""), "/bench/heads/"+ns
	version := 0
	return func(ctx context.Context, i int) error {
		all := clientv3.WithPrefix()
		read, err := l.watch.Txn(ctx).Then(clientv3.OpGet(head), clientv3.OpGet(prefix, all)).Commit()
		if err != nil {
			return err
		}
		var was int64
		for _, kv := range read.Responses[0].GetResponseRange().GetKvs() {
			was = kv.ModRevision
		}
		version++
		record := fmt.Sprintf(`{"version":%d,"message":"bench","changes":[`, version)
		var ops []clientv3.Op
		for n := range commitChanges {
			key, value := keyName((i+n)%commitKeys), `"`+commitText(i)+`"`
			ops = append(ops, clientv3.OpPut(prefix+key, value))
			record += fmt.Sprintf(`{"key":%q,"value":%s},`, key, value)
		}
		ops = append(ops, clientv3.OpPut(fmt.Sprintf("/bench/history/%s/%016d", ns, version), record+"]}"), clientv3.OpPut(head, record[:30]))
		resp, err := l.watch.Txn(ctx).If(
			clientv3.Compare(clientv3.ModRevision(head), "=", was),
			clientv3.Compare(clientv3.ModRevision(prefix).WithPrefix(), "<", read.Header.GetRevision()+1),
		).Then(ops...).Commit()
		if err == nil && !resp.Succeeded {
			err = errors.New("a guard does not hold")
		}
		return err
	}
}
