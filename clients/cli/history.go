package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/config-service/config-service/clients/cli/internal/show"
	"github.com/config-service/config-service/clients/cli/internal/tree"
	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
)

func (t *tool) historyCommand() *cobra.Command {
	var of where
	var key, author string
	var limit int
	cmd := &cobra.Command{
		Use:   "history",
		Short: "Show the versions of a scope, the newest first",
		Long: `Show the versions of a scope, the newest first: when, who, how many keys were set (+) and deleted
(-), and why. A version by external was written past config-service, with tools of the store.`,
		Example: `  configctl history -n payment-service -e production
  configctl history --key database.pool_size --author user:alice -n payment-service -e production`,
		Args: cobra.NoArgs,
	}
	of.addFlags(cmd)
	cmd.Flags().StringVar(&key, "key", "", "Only versions that changed this key.")
	cmd.Flags().StringVar(&author, "author", "", "Only versions of this author, as in user:alice, or external.")
	cmd.Flags().IntVar(&limit, "limit", 20, "At most so many versions.")
	cmd.RunE = t.talking(nil, func(s *session, _ []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.check(); err != nil {
			return err
		}
		if limit < 1 {
			return usage("--limit is %d; accepted: 1 and more", limit)
		}
		all, err := s.versions(&adminv1.ListVersionsRequest{Namespace: of.namespace, Environment: of.environment, Key: key, Author: author}, limit)
		if err != nil {
			return err
		}
		if s.machine() {
			return show.Message(s.out(), s.format, all)
		}
		if len(all.GetVersions()) == 0 {
			s.say("no such versions of %s", of)
		}
		rows := [][]string{{"VERSION", "WHEN", "WHO", "KEYS", "WHY"}}
		for _, v := range all.GetVersions() {
			rows = append(rows, []string{strconv.FormatInt(v.GetVersion(), 10), minute(v.GetTime()), show.Printable(v.GetAuthor()), keysOf(v), why(v)})
		}
		return show.Fitted(s.out(), s.outPaper, rows)
	})
	return cmd
}

// versions asks for the newest versions that a request selects.
func (s *session) versions(req *adminv1.ListVersionsRequest, limit int) (*adminv1.ListVersionsResponse, error) {
	all := &adminv1.ListVersionsResponse{}
	for {
		req.PageSize = int32(min(page, limit-len(all.GetVersions())))
		ctx, cancel := s.within()
		resp, err := s.admin.ListVersions(ctx, req)
		cancel()
		if err != nil {
			return nil, s.refused(err)
		}
		all.Versions = append(all.Versions, resp.GetVersions()...)
		all.NextPageToken = resp.GetNextPageToken()
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" || len(all.GetVersions()) >= limit {
			return all, nil
		}
	}
}

func minute(t *timestamppb.Timestamp) string {
	if t == nil {
		return "-"
	}
	return t.AsTime().UTC().Format("2006-01-02 15:04Z")
}

func keysOf(v *adminv1.Version) string {
	return fmt.Sprintf("+%d -%d", v.GetSetKeys(), v.GetDeletedKeys())
}

// why is the first line of a message.
func why(v *adminv1.Version) string {
	first, _, _ := strings.Cut(v.GetMessage(), "\n")
	return show.Printable(first)
}

func (t *tool) showCommand() *cobra.Command {
	var of where
	cmd := &cobra.Command{
		Use:   "show [VERSION]",
		Short: "Show a version: who, when, why, and what it changed",
		Long: `Show a version, or the newest: who made it, when, why, and what it changed. 'configctl export
--version' prints all that the scope held then.`,
		Example: `  configctl show 12 -n payment-service -e production
  configctl show 12 -n payment-service -e production -o json`,
		Args: cobra.MaximumNArgs(1),
	}
	of.addFlags(cmd)
	cmd.RunE = t.talking(nil, func(s *session, args []string) error {
		of.resolve(cmd, t.lookup)
		if err := of.check(); err != nil {
			return err
		}
		var number int64
		if len(args) > 0 {
			var err error
			if number, err = versionOf(args[0]); err != nil {
				return err
			}
		}
		resp, err := s.version(of, number)
		if err != nil {
			return err
		}
		if s.machine() {
			return show.Message(s.out(), s.format, resp)
		}
		v := resp.GetVersion()
		if v == nil {
			s.say("%s has no version", of)
			return nil
		}
		fmt.Fprintf(s.out(), "%s, version %d (%s)\n%s by %s\n", of, v.GetVersion(), kindOf(v), show.Time(v.GetTime(), "-"), show.Printable(v.GetAuthor()))
		for line := range strings.Lines(v.GetMessage()) {
			fmt.Fprintf(s.out(), "    %s\n", show.Printable(strings.TrimRight(line, "\n")))
		}
		return show.Diff(s.out(), s.outPaper, resp.GetDifferences())
	})
	return cmd
}

func kindOf(v *adminv1.Version) string {
	if v.GetKind() == adminv1.Version_ROLLBACK {
		return fmt.Sprintf("rollback to %d", v.GetToVersion())
	}
	return words(v.GetKind().String())
}

func versionOf(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, usage("VERSION is %q; accepted: 1, 2, 3, ..., as 'configctl history' shows them", text)
	}
	return n, nil
}

func (s *session) version(of where, number int64) (*adminv1.GetVersionResponse, error) {
	ctx, cancel := s.within()
	defer cancel()
	resp, err := s.admin.GetVersion(ctx, &adminv1.GetVersionRequest{Namespace: of.namespace, Environment: of.environment, Version: number})
	if err != nil {
		return nil, s.refused(err)
	}
	return resp, nil
}

// held is what a scope held at a version; 0 is the newest.
func (s *session) held(of where, number int64) (tree.Content, error) {
	resp, err := s.version(of, number)
	if err != nil {
		return nil, err
	}
	return contentOf(of, resp.GetEntries())
}
