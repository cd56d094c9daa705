package endpoint_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// hostile is what a field may be filled with by somebody who means no good.
var hostile = []string{
	"", ".", "..", "../x", "../../etc/passwd", "..%2f", "%2e%2e%2f", "%252e", "a//b", "/a", "a/", "a/b", "//", "a\\b",
	"a.", ".a", "a..b", "pay/", "pay%2F..%2Fpayments", "pay\x00", "pay%00", "PAY", "pay.", "\uff50\uff41\uff59", "_shared", "_all",
	"payments", "payment", "payment-service", "payment-service/a", "payment-service\x00payments", "-a", "a-", "*", "a*", "**", "a b", " a", "a\t",
	"a\r\nX-Evil: 1", "a\n", "\x1b[31mred", "a\u202ea", "a\u200b", "\u00e9", "e\u0301", "\U0001f600", "\ufeffa",
	"\xff\xfe", "a\xc0\xaf", "\xed\xa0\x80",
	"\"}\n{\"level\":\"error\"", "%s%s%s%n", "${jndi:ldap://x}", "{{7*7}}", "'; DROP TABLE x;--", "<script>", "$(id)", "`id`", "null", "key=**",
	strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 253), strings.Repeat("a", 254), strings.Repeat("a", 513),
	strings.Repeat("a.", 126) + "a", strings.Repeat("../", 100), strings.Repeat("\x01", 64), strings.Repeat("\"", 64), strings.Repeat("\u202e", 21),
	strings.Repeat("\U0010ffff", 16), strings.Repeat("a", 10<<10),
}

// The grammar, as the contract has it: written down here once more, so that a mistake
// in the server's own is seen.
var (
	keyForm  = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
)

func isKey(s string) bool  { return len(s) <= 253 && keyForm.MatchString(s) }
func isName(s string) bool { return nameForm.MatchString(s) }

// target is one text field of one method's request.
type target struct {
	method protoreflect.MethodDescriptor
	path   []protoreflect.FieldDescriptor
}

// targets walks the contract: whatever is added to it is tried, too.
func targets() []target {
	var out []target
	methods := configv1.File_configservice_v1_config_service_proto.Services().ByName("ConfigService").Methods()
	for i := range methods.Len() {
		m := methods.Get(i)
		var walk func(protoreflect.MessageDescriptor, []protoreflect.FieldDescriptor)
		walk = func(md protoreflect.MessageDescriptor, above []protoreflect.FieldDescriptor) {
			for j := range md.Fields().Len() {
				f := md.Fields().Get(j)
				path := append(above[:len(above):len(above)], f)
				switch {
				case f.Kind() == protoreflect.StringKind:
					out = append(out, target{m, path})
				case f.Message() != nil && len(path) < 5:
					walk(f.Message(), path)
				}
			}
		}
		walk(m.Input(), nil)
	}
	return out
}

func (g target) leaf() protoreflect.FieldDescriptor { return g.path[len(g.path)-1] }

// parameter is the field's name in a query.
func (g target) parameter() string {
	var names []string
	for _, f := range g.path {
		names = append(names, string(f.Name()))
	}
	return strings.Join(names, ".")
}

// field is the name that a refusal gives it.
func (g target) field() string {
	if g.leaf().IsList() {
		return g.parameter() + "[0]"
	}
	return g.parameter()
}

func (g target) String() string { return string(g.method.Name()) + "." + g.parameter() }

// companions are the fields that a request needs beside the target to be legal.
func (g target) companions() map[string]string {
	out := map[string]string{}
	if g.method.Input().Fields().ByName("key") != nil && g.parameter() != "key" {
		out["key"] = "legal"
	}
	if g.parameter() == "resume.epoch" {
		out["resume.revision"] = "1"
	}
	return out
}

// request encodes a request with the field set to text, be it UTF-8 or not.
func (g target) request(text string) []byte {
	var out []byte
	if g.companions()["key"] != "" {
		out = protowire.AppendTag(out, g.method.Input().Fields().ByName("key").Number(), protowire.BytesType)
		out = protowire.AppendString(out, g.companions()["key"])
	}
	inner := protowire.AppendString(protowire.AppendTag(nil, g.leaf().Number(), protowire.BytesType), text)
	if g.parameter() == "resume.epoch" {
		revision := g.path[0].Message().Fields().ByName("revision").Number()
		inner = protowire.AppendVarint(protowire.AppendTag(inner, revision, protowire.VarintType), 1)
	}
	for i := len(g.path) - 2; i >= 0; i-- {
		inner = protowire.AppendBytes(protowire.AppendTag(nil, g.path[i].Number(), protowire.BytesType), inner)
	}
	return append(out, inner...)
}

// verdict is what has to become of a request.
type verdict struct {
	reason string // empty: it is answered
	field  bool   // the refusal names the field
}

// judge says what has to become of a text in the field, from the contract alone.
func (g target) judge(t *testing.T, text string) verdict {
	t.Helper()
	malformed := verdict{"INVALID_ARGUMENT", true}
	name := string(g.leaf().Name())
	switch name {
	case "namespace", "environment":
		switch {
		case text == "", name == "namespace" && text == "payment-service", name == "environment" && text == "development":
			return verdict{}
		case isName(text):
			return verdict{reason: "PERMISSION_DENIED"}
		}
		return malformed
	case "key":
		switch {
		case !isKey(text):
			return malformed
		case g.method.Name() == "Get":
			return verdict{reason: "KEY_NOT_FOUND"}
		}
		return verdict{}
	case "prefix":
		if text != "" && !isKey(text) {
			return malformed
		}
		return verdict{}
	case "keys":
		if !isKey(text) {
			return malformed
		}
		return verdict{}
	case "epoch":
		if text == "" || len(text) > 128 {
			return malformed
		}
		return verdict{} // opaque: of another history, so it counts as none
	}
	t.Fatalf("the contract has a new text field %s; say here what it takes", g)
	return verdict{}
}

func TestCorpusIsLargeEnough(t *testing.T) {
	t.Parallel()
	malformed, invalid := 0, 0
	for _, text := range hostile {
		if !isKey(text) && !isName(text) {
			malformed++
		}
		if !utf8.ValidString(text) {
			invalid++
		}
	}
	if malformed < 40 || invalid < 3 {
		t.Errorf("%d texts are malformed, %d are no UTF-8", malformed, invalid)
	}
	if n := len(targets()); n < 13 {
		t.Errorf("the contract has %d text fields?", n)
	}
}
