package conformance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// A driver that lies is this test binary with lieEnv in its environment: it hands every
// request to an honest driver, whose command is in honestEnv, and changes the answers.
const (
	lieEnv    = "CONFORMANCE_LIE"
	honestEnv = "CONFORMANCE_HONEST_DRIVER"
)

// liar is what a lie knows of the conversation.
type liar struct {
	first map[string]any // earlier answers
	odd   bool           // the lie has begun
}

// lies are by name what a wrong client would answer.
var lies = map[string]func(l *liar, request, answer map[string]any){
	"none":                               func(*liar, map[string]any, map[string]any) {},
	"stale value":                        staleValue,
	"lost event":                         lostEvent,
	"doubled event":                      doubledEvent,
	"wrong order":                        func(_ *liar, _, a map[string]any) { slices.Reverse(eventsOf(a)) },
	"event for no change":                eventForNoChange,
	"event with the wrong old value":     wrongOld,
	"events after close":                 eventsAfterClose,
	"always VALID":                       alwaysValid,
	"default instead of an error":        defaultForError,
	"missing instead of not loaded":      rename("ConfigUnavailable", "KeyMissing"),
	"not loaded instead of denied":       rename("ConfigDenied", "ConfigUnavailable"),
	"missing instead of denied":          rename("ConfigDenied", "KeyMissing"),
	"null is absent":                     nullIsAbsent,
	"a masked key is null":               maskedIsNull,
	"deleted keys live on":               deletedLivesOn,
	"the default is answered for ever":   defaultForEver,
	"settings are not looked at":         settingsIgnored,
	"a file is as good as the sidecar":   fileIsLive,
	"everything is logged twice":         loggedTwice,
	"a value in the log":                 valueInLog,
	"text is parsed":                     textIsParsed,
	"a whole number becomes a float":     wholeBecomesFloat,
	"half of a step":                     halfStep,
	"the layer is always the strongest":  strongestLayer,
	"a listener hears of the past":       hearsThePast,
	"wait_ready is always true":          alwaysReady,
	"the error does not name the key":    namesNothing,
	"a null is added with the kind lost": kindLost,
}

// caught names the scenarios that must find each lie.
var caught = map[string][]string{
	"stale value":                        {"a change over several keys is seen whole", "a deleted key is gone"},
	"lost event":                         {"the order of changes", "what happened while the client was away"},
	"doubled event":                      {"the order of changes", "many changes end where the configuration is"},
	"wrong order":                        {"the order of changes"},
	"event for no change":                {"the same value again is no change", "a new history with the same values is no change"},
	"event with the wrong old value":     {"the kinds of changes"},
	"events after close":                 {"after close the last values are answered"},
	"always VALID":                       {"from INITIALIZING to VALID", "without a sidecar the values are STALE"},
	"default instead of an error":        {"a missing key is named, with the nearest one", "typed getters raise when the type is wrong"},
	"missing instead of not loaded":      {"nothing loaded is unavailable, not missing"},
	"not loaded instead of denied":       {"refused and nothing loaded is denied, not missing", "a wrong token is DENIED until its file is put right"},
	"missing instead of denied":          {"a refusal takes no values away", "a token that is taken away takes no values away"},
	"null is absent":                     {"null is a value"},
	"a masked key is null":               {"a masked key counts as missing"},
	"deleted keys live on":               {"a deleted key is gone"},
	"the default is answered for ever":   {"without a sidecar the program starts on defaults and catches up"},
	"settings are not looked at":         {"a malformed address is refused", "a name that is no DNS label is refused"},
	"a file is as good as the sidecar":   {"with a cache file a missing sidecar costs no wait"},
	"everything is logged twice":         {"an outage is logged once and its end once"},
	"a value in the log":                 {"an outage is logged once and its end once"},
	"text is parsed":                     {"what suits which default"},
	"a whole number becomes a float":     {"a whole number is whole"},
	"half of a step":                     {"a change over several keys is seen whole"},
	"the layer is always the strongest":  {"where a value comes from and how old it is"},
	"a listener hears of the past":       {"a listener sees the past of nothing"},
	"wait_ready is always true":          {"wait_ready waits as long as it is told"},
	"the error does not name the key":    {"a missing key is named, with the nearest one"},
	"a null is added with the kind lost": {"null is not absent"},
}

// findLies shows that what holds good clients catches bad ones: each lie is found by the
// scenarios that are named for it. The same driver without a lie passes them.
func (l *lab) findLies(t *testing.T) {
	t.Parallel()
	honest := l.clients[0]
	if honest.missing != "" {
		skip(t, honest)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	liar := client{name: "liar", command: []string{self}, env: []string{honestEnv + "=" + strings.Join(honest.command, " ")}}
	played := map[*scenario]bool{}
	for lie, names := range caught {
		for _, name := range names {
			i := slices.IndexFunc(l.scenarios, func(s *scenario) bool { return s.Name == name })
			if i < 0 {
				t.Fatalf("there is no scenario %q", name)
			}
			s := l.scenarios[i]
			if !played[s] {
				played[s] = true
				l.mustPass(t, s, liar)
			}
			l.mustFind(t, s, liar, lie)
		}
	}
	if len(caught) != len(lies)-1 {
		t.Errorf("%d of %d lies are told", len(caught), len(lies)-1)
	}
}

func (l *lab) mustPass(t *testing.T, s *scenario, liar client) {
	t.Run("none/"+s.Name, func(t *testing.T) {
		t.Parallel()
		if err := l.play(t, s, liar.telling("none", hang)); err != nil {
			t.Error(err)
		}
	})
}

// mustFind does not wait long for what a liar keeps back: found is found.
func (l *lab) mustFind(t *testing.T, s *scenario, liar client, lie string) {
	t.Run(lie+"/"+s.Name, func(t *testing.T) {
		t.Parallel()
		err := l.play(t, s, liar.telling(lie, 5*time.Second))
		if err == nil {
			t.Fatal("it was not found")
		}
		t.Log(err)
	})
}

func (c client) telling(lie string, patience time.Duration) client {
	c.env = append(slices.Clone(c.env), lieEnv+"="+lie)
	c.patience = patience
	return c
}

// tellLies is the main of a driver that lies.
func tellLies(lie, honest string) int {
	tell, known := lies[lie]
	command := strings.Fields(honest)
	if !known || len(command) == 0 {
		fmt.Fprintf(os.Stderr, "there is no lie %q, or no driver %q\n", lie, honest)
		return 2
	}
	if err := wrap(tell, exec.Command(command[0], command[1:]...)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// wrap hands requests and answers on, and lies about each answer.
func wrap(tell func(l *liar, request, answer map[string]any), honest *exec.Cmd) error {
	in, err := honest.StdinPipe()
	if err != nil {
		return err
	}
	out, err := honest.StdoutPipe()
	if err != nil {
		return err
	}
	honest.Stderr = os.Stderr
	if err := honest.Start(); err != nil {
		return err
	}
	l := &liar{first: map[string]any{}}
	requests, answers := json.NewDecoder(os.Stdin), bufio.NewReader(out)
	for {
		var request map[string]any
		if err := requests.Decode(&request); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		answer, err := converse(request, in, answers)
		if err != nil {
			return err
		}
		tell(l, request, answer)
		if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
			return err
		}
	}
	if err := in.Close(); err != nil {
		return err
	}
	return honest.Wait()
}

func converse(request map[string]any, in io.Writer, answers *bufio.Reader) (map[string]any, error) {
	if err := json.NewEncoder(in).Encode(request); err != nil {
		return nil, err
	}
	line, err := answers.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	v, err := parse(line)
	if err != nil {
		return nil, err
	}
	return v.(map[string]any), nil
}

func eventsOf(answer map[string]any) []any {
	list, _ := answer["events"].([]any)
	return list
}
