package opstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs are the texts whose paths, targets and commands have to exist.
var docs = []string{"deploy/README.md", "deploy/operations.md", "deploy/capacity.md", "deploy/monitoring/runbooks.md"}

func exists(path string) bool {
	_, err := os.Stat(filepath.Join(root, path))
	return err == nil
}

var (
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// A path of the repository in a command or between backquotes.
	path       = regexp.MustCompile("(?:^|[\\s`=:])((?:deploy|server|clients|proto)/[\\w./-]*\\w)")
	makeTarget = regexp.MustCompile(`\bmake ([a-z][a-z-]*)`)
	heading    = regexp.MustCompile(`(?m)^#+ (.+)$`)
	noAnchor   = regexp.MustCompile(`[^\w\- ]`)
)

// code is what of a text is between backquotes or in a block.
func code(text string) string {
	var out strings.Builder
	for i, part := range strings.Split(text, "```") {
		if i%2 == 1 {
			_, lines, _ := strings.Cut(part, "\n") // without the language
			out.WriteString(strings.ReplaceAll(lines, "\\\n", " ") + "\n")
			continue
		}
		for j, inline := range strings.Split(part, "`") {
			if j%2 == 1 {
				out.WriteString(strings.Join(strings.Fields(inline), " ") + "\n")
			}
		}
	}
	return out.String()
}

func anchors(text string) (all []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		all = append(all, strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, doc := range docs {
		for _, m := range link.FindAllStringSubmatch(read(t, doc), -1) {
			if strings.HasPrefix(m[1], "https://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := doc
			if file != "" {
				target = filepath.Join(filepath.Dir(doc), file)
			}
			if !exists(target) {
				t.Errorf("%s links to %s, which is not there", doc, m[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(read(t, target)), anchor) {
				t.Errorf("%s links to %s, and %s has no such heading", doc, m[1], target)
			}
		}
	}
}

func TestPathsAndTargetsExist(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, doc := range docs {
		text := code(read(t, doc))
		for _, m := range path.FindAllStringSubmatch(text, -1) {
			if !exists(m[1]) {
				t.Errorf("%s names %s, which is not there", doc, m[1])
			}
		}
		for _, m := range makeTarget.FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`(?m)^` + m[1] + `:.*## `).MatchString(makefile) {
				t.Errorf("%s names make %s, which the Makefile has not", doc, m[1])
			}
		}
	}
}

// commands are the lines of a text that run a program, from its name on.
func commands(text, program string) (all [][]string) {
	for line := range strings.Lines(code(text)) {
		line, _, _ = strings.Cut(line, " #")
		for _, part := range regexp.MustCompile(`[|;&]+`).Split(line, -1) {
			words := strings.Fields(part)
			if i := slices.Index(words, program); i >= 0 {
				words, _, _ := strings.Cut(strings.Join(words[i:], " "), " >") // where its output goes
				all = append(all, strings.Fields(words))
			}
		}
	}
	return all
}

// TestCommandsExist asks the programs for the help of each command that is named, and looks
// for the flags there.
func TestCommandsExist(t *testing.T) {
	t.Parallel()
	programs := map[string]string{"configctl": build(t, "./clients/cli"), "config-service": build(t, "./server")}
	named := 0
	for _, doc := range docs {
		for name, program := range programs {
			for _, words := range commands(read(t, doc), name) {
				named++
				checkCommand(t, doc, program, words)
			}
		}
	}
	if named < 20 {
		t.Errorf("the texts name %d commands; the test does not find them", named)
	}
}

var plainWord = regexp.MustCompile(`^[a-z][a-z-]*$`)

func checkCommand(t *testing.T, doc, program string, words []string) {
	t.Helper()
	line := strings.Join(words, " ")
	// The command is at most two words; the second may be an argument.
	help, depth := "", 0
	for n := 2; n >= 1; n-- {
		if len(words) > n && !slices.ContainsFunc(words[1:n+1], func(w string) bool { return !plainWord.MatchString(w) }) {
			out, err := exec.Command(program, append(slices.Clone(words[1:n+1]), "--help")...).CombinedOutput()
			if usage := " " + strings.Join(words[1:n+1], " "); err == nil && strings.Contains(string(out), words[0]+usage) {
				help, depth = string(out), n
				break
			}
		}
	}
	if depth == 0 && len(words) == 1 {
		return // the name of a container, of a ConfigMap
	}
	if depth == 0 {
		t.Errorf("%s names %q, which is no command", doc, line)
		return
	}
	for _, w := range words[depth+1:] {
		flag, _, _ := strings.Cut(w, "=")
		if strings.HasPrefix(flag, "-") && !regexp.MustCompile(`(^|[\s,])`+regexp.QuoteMeta(flag)+`($|[\s,=])`).MatchString(help) {
			t.Errorf("%s names %q, and the command has no %s", doc, line, flag)
		}
	}
}
