// Package variables makes environment variables of keys.
//
// A name is the key in upper case, every '.' and '-' a '_': database.pool_size becomes
// DATABASE_POOL_SIZE. A text is its own value, all else compact JSON.
package variables

import (
	"fmt"
	"strings"

	"github.com/config-service/config-service/clients/cli/internal/tree"
)

// Name is the variable of a key.
func Name(prefix, key string) string {
	return prefix + strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToUpper(key))
}

// CheckPrefix says why names cannot begin with a prefix, or nil. The error begins with a
// verb.
func CheckPrefix(prefix string) error {
	for i, r := range prefix {
		if r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (i == 0 || r < '0' || r > '9') {
			return fmt.Errorf("is %q; accepted: A-Z, a-z, 0-9 and '_', not starting with a digit", prefix)
		}
	}
	return nil
}

// Variable is one environment variable.
type Variable struct{ Name, Value string }

// Of makes the variables of a content, by key. It refuses what would not arrive.
func Of(prefix string, c tree.Content) ([]Variable, error) {
	keys := map[string]string{}
	var out []Variable
	for _, key := range c.Keys() {
		v := Variable{Name(prefix, key), tree.Bare(c[key])}
		switch other, taken := keys[v.Name]; {
		case taken:
			return nil, fmt.Errorf("the keys %s and %s are both the variable %s; accepted: one of them, so rename or select", other, key, v.Name)
		case v.Name[0] >= '0' && v.Name[0] <= '9':
			return nil, fmt.Errorf("the key %s is the variable %s, which begins with a digit; --env-prefix puts something before it", key, v.Name)
		case loads(v.Name):
			return nil, fmt.Errorf("the key %s is the variable %s, with which other code is loaded; --env-prefix puts something before it", key, v.Name)
		case strings.ContainsRune(v.Value, 0):
			return nil, fmt.Errorf("the value of %s holds a NUL, which no variable can", key)
		}
		keys[v.Name] = key
		out = append(out, v)
	}
	return out, nil
}

// loads says whether a variable makes programs run something else than they are.
func loads(name string) bool {
	switch name {
	case "BASH_ENV", "ENV", "IFS", "NODE_OPTIONS", "PERL5LIB", "PERL5OPT", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "RUBYLIB", "RUBYOPT", "JAVA_TOOL_OPTIONS":
		return true
	}
	return strings.HasPrefix(name, "LD_") || strings.HasPrefix(name, "DYLD_")
}

// Line is a variable as a shell reads it.
func (v Variable) Line() string {
	return v.Name + "='" + strings.ReplaceAll(v.Value, "'", `'\''`) + "'"
}

// Over adds variables to an environment. What is set there already stays, and is named.
func Over(environment []string, vars []Variable) (all, kept []string) {
	set := map[string]bool{}
	for _, line := range environment {
		name, _, _ := strings.Cut(line, "=")
		set[name] = true
	}
	all = append(all, environment...)
	for _, v := range vars {
		if set[v.Name] {
			kept = append(kept, v.Name)
			continue
		}
		all = append(all, v.Name+"="+v.Value)
	}
	return all, kept
}
