package snapshot_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/config-service/config-service/server/internal/snapshot"
)

func nested(open, end string, n int) string { return strings.Repeat(open, n) + strings.Repeat(end, n) }

func TestParseValue(t *testing.T) {
	long := strings.Repeat("x", snapshot.MaxValue-2)
	for _, test := range []struct{ name, raw, want string }{
		{"null", `null`, `null`},
		{"booleans", `[true, false]`, `[true,false]`},
		{"text", `"text"`, `"text"`},
		{"empty text", `""`, `""`},
		{"empty array", ` [ ] `, `[]`},
		{"empty object", "\t{\r\n}\n", `{}`},
		{"white space around", "\n 1 \n", `1`},
		{"names are sorted", `{"b": 1, "a": {"d": 2, "c": 3}}`, `{"a":{"c":3,"d":2},"b":1}`},
		{"empty name", `{"": 1}`, `{"":1}`},
		{"names that differ in case", `{"a":1,"A":2}`, `{"A":2,"a":1}`},
		{"same name in two objects", `[{"a":1},{"a":1}]`, `[{"a":1},{"a":1}]`},
		{"markup is not escaped", `"<a href='x'>&</a>"`, `"<a href='x'>&</a>"`},
		{"escapes that are not needed", `"\u0041\/\u00e9"`, `"A/é"`},
		{"escapes that are", `"\"\\\n\t\u0000\u001f"`, `"\"\\\n\t\u0000\u001f"`},
		{"line separator", `"` + "\u2028" + `"`, `"\u2028"`},
		{"an emoji", `"🙂"`, `"🙂"`},
		{"an emoji as a surrogate pair", `"\ud83d\ude42"`, `"🙂"`},
		{"surrogate pairs in a row", `"\uD83D\uDE42\ud83d\ude42"`, `"🙂🙂"`},
		{"last code point", `"\udbff\udfff"`, `"` + "\U0010ffff" + `"`},
		{"a backslash before u", `"\\ud800"`, `"\\ud800"`},
		{"the replacement character", `"\ufffd"`, `"` + "\ufffd" + `"`},
		{"surrogate pair in a name", `{"\ud83d\ude42":1}`, `{"🙂":1}`},
		{"zero", `0`, `0`},
		{"minus zero", `-0`, `-0`},
		{"zeros", `0.000`, `0`},
		{"zero with a huge exponent", `0e99999999999999999999`, `0`},
		{"integer", `-42`, `-42`},
		{"largest integer", `9007199254740991`, `9007199254740991`},
		{"smallest integer", `-9007199254740991`, `-9007199254740991`},
		{"decimal", `0.1`, `0.1`},
		{"trailing zeros", `2.500`, `2.5`},
		{"exponent", `1.5E3`, `1500`},
		{"negative exponent", `25e-1`, `2.5`},
		{"small", `1e-7`, `1e-7`},
		{"beyond 2^53-1 with exponent", `1e19`, `1e+19`},
		{"2^53 with a point", `9007199254740992.0`, `9.007199254740992e+15`},
		{"largest double", `1.7976931348623157e308`, `1.7976931348623157e+308`},
		{"smallest double", `5e-324`, `5e-324`},
		{"17 digits", `0.30000000000000004`, `0.30000000000000004`},
		{"30 levels of arrays", nested("[", "]", 30), nested("[", "]", 30)},
		{"30 levels of objects", strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30), strings.Repeat(`{"a":`, 30) + "1" + strings.Repeat("}", 30)},
		{"depth is not size", `[` + nested("[", "]", 29) + "," + nested("[", "]", 29) + `]`, `[` + nested("[", "]", 29) + "," + nested("[", "]", 29) + `]`},
		{"256 KiB", `"` + long + `"`, `"` + long + `"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := snapshot.ParseValue([]byte(test.raw))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.JSON()); diff != "" {
				t.Error(diff)
			}
			if got.IsZero() {
				t.Error("is zero")
			}
			again, err := snapshot.ParseValue([]byte(got.JSON()))
			if err != nil || again != got {
				t.Errorf("the canonical form is read as %.100q, %v", again.JSON(), err)
			}
		})
	}
}

func TestParseValueRefuses(t *testing.T) {
	const quoteIt = "write it in double quotes"
	for _, test := range []struct{ name, raw, want string }{
		{"nothing", ``, "is not JSON"},
		{"white space", " \n", "is not JSON"},
		{"bare word", `text`, "is not JSON"},
		{"almost a word", `nul`, "is not JSON"},
		{"single quotes", `'text'`, "is not JSON"},
		{"unfinished text", `"text`, "is not JSON"},
		{"unfinished array", `[1, 2`, "is not JSON"},
		{"unfinished object", `{"a": 1`, "is not JSON"},
		{"name without value", `{"a"}`, "is not JSON"},
		{"name that is no text", `{1: 2}`, "is not JSON"},
		{"trailing comma", `[1,]`, "is not JSON"},
		{"trailing comma in an object", `{"a":1,}`, "is not JSON"},
		{"leading comma", `[,1]`, "is not JSON"},
		{"no comma", `[1 2]`, "is not JSON"},
		{"crossed brackets", `[1}`, "is not JSON"},
		{"closing first", `]`, "is not JSON"},
		{"comment", "1 // one", "more text"},
		{"two values", `1 2`, "more text"},
		{"two values, glued", `{}{}`, "more text"},
		{"closing once too often", `[1]]`, "more text"},
		{"plus sign", `+1`, "is not JSON"},
		{"leading zero", `012`, "more text"},
		{"hexadecimal", `0x10`, "more text"},
		{"no digits before the point", `.5`, "is not JSON"},
		{"no digits after the point", `5.`, "is not JSON"},
		{"NaN", `NaN`, "is not JSON"},
		{"infinity", `-Infinity`, "is not JSON"},
		{"control byte in a text", "\"a\nb\"", "is not JSON"},
		{"unknown escape", `"\x41"`, "is not JSON"},
		{"short escape", `"\u12"`, "is not JSON"},
		{"byte order mark", "\ufeff1", "is not JSON"},
		{"NUL after the value", "1\x00", "more text"},
		{"31 levels of arrays", nested("[", "]", 31), "deeper than 30 levels"},
		{"31 levels, mixed", strings.Repeat(`[{"a":`, 15) + "[]" + strings.Repeat("}]", 15), "deeper than 30 levels"},
		{"many levels, never closed", strings.Repeat("[", 100_000), "deeper than 30 levels"},
		{"2^53", `9007199254740992`, quoteIt},
		{"-2^53", `-9007199254740992`, quoteIt},
		{"2^53+1", `9007199254740993`, quoteIt},
		{"2^64", `18446744073709551616`, quoteIt},
		{"deep in a value", `{"a":[1,{"b":9007199254740992}]}`, quoteIt},
		{"400 digits", strings.Repeat("9", 400), quoteIt},
		{"1e400", `1e400`, "beyond the range of a double"},
		{"-1e400", `-1e400`, "beyond the range of a double"},
		{"too small for a double", `1e-400`, "a double cannot hold"},
		{"too small, absurdly", `1e-99999999999999999999`, "a double cannot hold"},
		{"18 digits", `0.100000000000000001`, "a double cannot hold"},
		{"2^53+1 with a point", `9007199254740993.0`, "a double cannot hold"},
		{"2^53+1 with an exponent", `9007199254740993e0`, "a double cannot hold"},
		{"same name twice", `{"a":1,"b":2,"a":1}`, "same name twice"},
		{"same name, escaped", `{"a":1,"\u0061":1}`, "same name twice"},
		{"same name, deep", `[{"a":{"b":1,"b":1}}]`, "same name twice"},
		{"high half", `"\ud83d"`, "half of a surrogate pair"},
		{"high half before text", `"\ud83dabcdef"`, "half of a surrogate pair"},
		{"high half before another escape", `"\ud83d\u0041"`, "half of a surrogate pair"},
		{"low half", `"\ude42"`, "half of a surrogate pair"},
		{"halves swapped", `"\ude42\ud83d"`, "half of a surrogate pair"},
		{"two high halves", `"\ud83d\ud83d\ude42"`, "half of a surrogate pair"},
		{"half in a name", `{"\ud83d":1}`, "half of a surrogate pair"},
		{"half after a backslash", `"\\\ud83d"`, "half of a surrogate pair"},
		{"stray byte", "\"\xff\"", "is not UTF-8"},
		{"overlong", "\"\xc0\xaf\"", "is not UTF-8"},
		{"half as bytes", "\"\xed\xa0\x80\"", "is not UTF-8"},
		{"beyond the last code point", "\"\xf4\x90\x80\x80\"", "is not UTF-8"},
		{"Latin-1", "\"gr\xf6\xdfe\"", "is not UTF-8"},
		{"256 KiB and one byte", `"` + strings.Repeat("x", snapshot.MaxValue-1) + `"`, "accepted: at most 262144"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := snapshot.ParseValue([]byte(test.raw))
			if err == nil {
				t.Fatalf("accepted as %.100q", got.JSON())
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q does not hold %q", err, test.want)
			}
			if !got.IsZero() || got.JSON() != "" {
				t.Errorf("a refused value is %.100q", got.JSON())
			}
			printable(t, err.Error())
			if len(err.Error()) > 200 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestZeroValueIsNotNull(t *testing.T) {
	var zero snapshot.Value
	if !zero.IsZero() || zero.JSON() != "" {
		t.Error("the zero Value is a value")
	}
	if null := value(`null`); null.IsZero() || null == zero {
		t.Error("null is the zero Value")
	}
}

// TestParseErrorsNeverRepeatTheValue damages values that hold a secret everywhere a
// value can hold one, and looks for it in what is said about them.
func TestParseErrorsNeverRepeatTheValue(t *testing.T) {
	const canary = "HUNTER2"
	const digits = "86753098675309"
	seeds := []string{
		`{"password": "HUNTER2", "n": 86753098675309}`,
		`{"HUNTER2": {"HUNTER2": [86753098675309, "HUNTER2"]}}`,
		`{"HUNTER2": 1, "HUNTER2": 2}`,
		`["\ud83dHUNTER2"]`,
		`8675309867530986753098675309`,
		`0.8675309867530986753098675309`,
		`86753098675309e999`,
		`HUNTER2`,
		`"HUNTER2" HUNTER2`,
		nested(`["HUNTER2",`, "]", 31),
	}
	rnd := rounds(t)
	failures := 0
	for range 20_000 {
		raw := damage(rnd, []byte(seeds[rnd.IntN(len(seeds))]))
		_, err := snapshot.ParseValue(raw)
		if err == nil {
			continue
		}
		failures++
		if text := err.Error(); strings.Contains(text, canary[:4]) || strings.Contains(text, digits[:5]) {
			t.Fatalf("%q is said about %q", text, raw)
		}
		printable(t, err.Error())
	}
	if failures < 1000 {
		t.Errorf("only %d values were refused: this test tests nothing", failures)
	}
}

func damage(rnd *rand.Rand, b []byte) []byte {
	for range rnd.IntN(4) {
		i := rnd.IntN(len(b) + 1)
		switch rnd.IntN(3) {
		case 0:
			b = b[:i]
		case 1:
			b = append(b[:i:i], append([]byte{`"\{}[],:e.-`[rnd.IntN(11)]}, b[i:]...)...)
		default:
			if i < len(b) {
				b[i] = byte(rnd.UintN(256))
			}
		}
	}
	return b
}

// TestParseValueKeepsTheMeaning compares with what the standard library reads.
func TestParseValueKeepsTheMeaning(t *testing.T) {
	rnd := rounds(t)
	for range 3000 {
		want := randomJSON(rnd, 4)
		raw, err := json.MarshalIndent(want, "  ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		v, err := snapshot.ParseValue(raw)
		if err != nil {
			t.Fatalf("ParseValue(%s): %v", raw, err)
		}
		var got any
		if err := json.Unmarshal([]byte(v.JSON()), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("ParseValue(%s):\n%s", raw, diff)
		}
	}
}

func randomJSON(rnd *rand.Rand, depth int) any {
	kind := rnd.IntN(7)
	if depth == 0 {
		kind = rnd.IntN(5)
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return rnd.IntN(2) == 0
	case 2:
		return float64(rnd.Int64N(1<<53)) * float64(1-2*rnd.IntN(2))
	case 3:
		return rnd.NormFloat64() * 1e-3
	case 4:
		b := make([]rune, rnd.IntN(6))
		for i := range b {
			b[i] = []rune("aB\"\\\n\x00<é\u2028🙂\ufffd")[rnd.IntN(11)]
		}
		return string(b)
	case 5:
		items := make([]any, rnd.IntN(4))
		for i := range items {
			items[i] = randomJSON(rnd, depth-1)
		}
		return items
	default:
		fields := map[string]any{}
		for range rnd.IntN(4) {
			fields[fmt.Sprint(rnd.IntN(5))] = randomJSON(rnd, depth-1)
		}
		return fields
	}
}
