package endpoint_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/config-service/config-service/server/servertest"
)

// codeOf is the code that goes with a reason, by the contract.
var codeOf = map[string]codes.Code{
	"INVALID_ARGUMENT": codes.InvalidArgument, "PERMISSION_DENIED": codes.PermissionDenied, "KEY_NOT_FOUND": codes.NotFound,
}

var httpOf = map[string]int{"": 200, "INVALID_ARGUMENT": 400, "PERMISSION_DENIED": 403, "KEY_NOT_FOUND": 404}

// Every text field of every method, filled with every hostile text, over gRPC: each
// is answered as the contract says, nobody else notices, and nothing leaks.
func TestHostileTextsOverGRPC(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	finish := bystander(t, s)
	for _, g := range targets() {
		for _, text := range hostile {
			want := g.judge(t, text)
			if !utf8.ValidString(text) {
				want = verdict{reason: "INVALID_ARGUMENT"} // it cannot be decoded, so no field is to blame
			}
			answer, err := callRaw(t, s, g, g.request(text))
			check(t, g, text, want, refusalOf(err), string(answer))
		}
	}
	finish()
}

// callRaw makes one call with an encoded request and returns the first answer.
func callRaw(t *testing.T, s *servertest.Server, g target, request []byte) ([]byte, error) {
	t.Helper()
	ctx := t.Context()
	method := "/" + string(g.method.Parent().FullName()) + "/" + string(g.method.Name())
	var answer []byte
	if !g.method.IsStreamingServer() {
		err := s.Conn(t).Invoke(ctx, method, request, &answer, grpc.ForceCodecV2(bytesCodec{}))
		return answer, err
	}
	stream, err := s.Conn(t).NewStream(deadline(t), &grpc.StreamDesc{ServerStreams: true}, method, grpc.ForceCodecV2(bytesCodec{}))
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(request); err != nil && err != io.EOF {
		return nil, err
	}
	if err := stream.CloseSend(); err != nil {
		return nil, err
	}
	return answer, stream.RecvMsg(&answer)
}

// The same texts over REST.
func TestHostileTextsOverREST(t *testing.T) {
	t.Parallel()
	s := guarded(t, servertest.Options{})
	finish := bystander(t, s)
	web := &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer web.CloseIdleConnections()
	for _, g := range targets() {
		for _, text := range hostile {
			status, body := browse(t, web, s.URL+g.location(t, text), g.method.IsStreamingServer())
			want := g.judge(t, text)
			var got refusal
			if status != http.StatusOK {
				got = webRefusal(t, body)
			}
			if status != httpOf[want.reason] {
				t.Errorf("%s = %.80q: HTTP status %d, want %d", g, text, status, httpOf[want.reason])
			}
			check(t, g, text, want, got, body)
		}
	}
	finish()
}

// location is the path and query of a request with the text in the field.
func (g target) location(t *testing.T, text string) string {
	t.Helper()
	path, ok := map[string]string{"Get": "/v1/config/", "List": "/v1/config", "Watch": "/v1/watch", "Explain": "/v1/explain/", "GetStatus": "/v1/status"}[string(g.method.Name())]
	if !ok {
		t.Fatalf("the contract has a new method %s; say here where REST has it", g.method.Name())
	}
	query := url.Values{}
	for name, value := range g.companions() {
		query.Set(name, value)
	}
	if g.parameter() == "key" {
		query.Set("key", text)
	} else {
		query.Set(g.parameter(), text)
	}
	if strings.HasSuffix(path, "/") {
		path += url.PathEscape(query.Get("key"))
		query.Del("key")
	}
	return path + "?" + query.Encode()
}

// browse gets a location; of a stream the first line.
func browse(t *testing.T, web *http.Client, location string, stream bool) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(deadline(t), http.MethodGet, location, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if stream && resp.StatusCode == http.StatusOK {
		first := make([]byte, 1)
		if _, err := resp.Body.Read(first); err != nil {
			t.Error(err)
		}
		return resp.StatusCode, string(first)
	}
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}

// check holds an answer against its verdict, and against what no answer may do.
func check(t *testing.T, g target, text string, want verdict, got refusal, answer string) {
	t.Helper()
	if got.code != codeOf[want.reason] || got.reason != want.reason {
		t.Errorf("%s = %.80q: %s %s (%.200s), want %q", g, text, got.code, got.reason, got.message, want.reason)
	}
	if want.field && !slices.Equal(got.fields, []string{g.field()}) {
		t.Errorf("%s = %.80q: the refusal names %q, want %q", g, text, got.fields, g.field())
	}
	if len(got.message) > 512 {
		t.Errorf("%s = %.80q: the message has %d bytes", g, text, len(got.message))
	}
	if at := strings.IndexFunc(got.message, func(r rune) bool { return r < ' ' || r > '~' }); at >= 0 {
		t.Errorf("%s = %.80q: byte %d of the message is not plain: %q", g, text, at, got.message)
	}
	if strings.Contains(got.raw, canary) || strings.Contains(answer, canary) {
		t.Fatalf("%s = %.80q: another service's value leaks", g, text)
	}
}
