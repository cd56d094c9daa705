package isolation

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	_ "github.com/config-service/config-service/gen/go/configservice/admin/v1" // its descriptors
)

// method is a method of the contract, by its descriptor.
type method struct {
	protoreflect.MethodDescriptor
	verb, path string // of REST
}

func (m method) full() string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// methods are all methods of all services of the contract, with their REST routes.
func methods(t *testing.T) []method {
	t.Helper()
	text, err := os.ReadFile("../../../proto/gateway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var gateway struct {
		HTTP struct {
			Rules []struct{ Selector, Get, Post string }
		} `yaml:"http"`
	}
	if err := yaml.Unmarshal(text, &gateway); err != nil {
		t.Fatal(err)
	}
	var all []method
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			s := f.Services().Get(i)
			if !strings.HasPrefix(string(s.FullName()), "configservice.") {
				continue
			}
			for j := range s.Methods().Len() {
				m := method{MethodDescriptor: s.Methods().Get(j)}
				for _, r := range gateway.HTTP.Rules {
					if r.Selector == string(m.FullName()) {
						m.verb, m.path = http.MethodGet, r.Get
						if r.Post != "" {
							m.verb, m.path = http.MethodPost, r.Post
						}
					}
				}
				if m.path == "" {
					t.Errorf("%s has no REST route", m.FullName())
				}
				all = append(all, m)
			}
		}
		return true
	})
	return all
}

// answer is all that came back from a call.
type answer struct {
	code  codes.Code
	bytes []byte // of the body or messages, the headers, and the status
}

// request is a call before it is sent.
type request struct {
	method  method
	fields  map[string]string
	headers [][2]string
	query   string
	bearers []string
}

// raw passes bytes through, so that what no message could hold can be sent and nothing
// that came back is lost.
type raw struct{}

func (raw) Name() string { return "proto" }
func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}
func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

var _ encoding.CodecV2 = raw{}

// wire is the request as bytes of protobuf.
func (r request) wire() []byte {
	var out []byte
	for name, value := range r.fields {
		f := r.method.Input().Fields().ByName(protoreflect.Name(name))
		switch {
		case f == nil:
		case f.Enum() != nil:
			out = protowire.AppendTag(out, f.Number(), protowire.VarintType)
			out = protowire.AppendVarint(out, uint64(f.Enum().Values().ByName(protoreflect.Name(value)).Number()))
		case isJSON(f):
			m := dynamicpb.NewMessage(r.method.Input())
			text := fmt.Sprintf("{%q: %s}", name, value)
			if err := protojson.Unmarshal([]byte(text), m); err != nil {
				panic(err) // of a row of this test
			}
			part, err := proto.Marshal(m)
			if err != nil {
				panic(err)
			}
			out = append(out, part...)
		default:
			out = protowire.AppendTag(out, f.Number(), protowire.BytesType)
			out = protowire.AppendString(out, value)
		}
	}
	return out
}

// isJSON says that a field is given as JSON: a number, or a message.
func isJSON(f protoreflect.FieldDescriptor) bool {
	return f.Kind() == protoreflect.Int64Kind || f.Message() != nil
}

// overGRPC sends the request by gRPC; of a stream it takes the first message.
func (r request) overGRPC(ctx context.Context, conn *grpc.ClientConn) answer {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, b := range r.bearers {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", b)
	}
	for _, h := range r.headers {
		if !strings.HasPrefix(strings.ToLower(h[0]), "user-agent") { // gRPC's own
			ctx = metadata.AppendToOutgoingContext(ctx, strings.ToLower(h[0]), h[1])
		}
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, r.method.full(), grpc.ForceCodecV2(raw{}))
	if err != nil {
		return failed(err, nil)
	}
	in := r.wire()
	if err := errors.Join(stream.SendMsg(&in), stream.CloseSend()); err != nil && !errors.Is(err, io.EOF) {
		return failed(err, nil)
	}
	var out []byte
	if err = stream.RecvMsg(&out); err == nil && !r.method.IsStreamingServer() {
		var none []byte
		if err = stream.RecvMsg(&none); errors.Is(err, io.EOF) {
			err = nil
		}
	}
	header, _ := stream.Header() // of a failed call there may be none
	return failed(err, out, header, stream.Trailer())
}

func failed(err error, body []byte, md ...metadata.MD) answer {
	st := status.Convert(err)
	all, _ := proto.Marshal(st.Proto()) // it came over the wire
	return answer{st.Code(), append(fmt.Append(all, md), body...)}
}

// httpRequest makes the request one of REST.
func (r request) httpRequest(ctx context.Context, base string) (*http.Request, error) {
	path, query := r.method.path, url.Values{}
	body := map[string]any{}
	for name, value := range r.fields {
		f := r.method.Input().Fields().ByName(protoreflect.Name(name))
		switch {
		case f == nil:
		case strings.Contains(path, "{"+name+"=**}"):
			path = strings.ReplaceAll(path, "{"+name+"=**}", url.PathEscape(value))
		case r.method.verb == http.MethodGet:
			query.Set(name, value)
		case isJSON(f):
			body[name] = json.RawMessage(value)
		default:
			body[name] = value
		}
	}
	raw := query.Encode()
	if r.query != "" {
		raw = strings.Trim(raw+"&"+r.query, "&")
	}
	var content io.Reader
	if r.method.verb == http.MethodPost {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		for _, value := range r.fields { // what JSON would mend is sent as it is
			if !utf8.ValidString(value) {
				text = bytes.ReplaceAll(text, []byte(`\ufffd`), []byte("\xff"))
			}
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method.verb, base+path+"?"+raw, content)
	if err != nil {
		return nil, err
	}
	if content != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header["Authorization"] = r.bearers
	for _, h := range r.headers {
		req.Header.Add(h[0], h[1])
	}
	return req, nil
}

// overREST sends the request by REST; of a stream it takes the first line.
func (r request) overREST(ctx context.Context, client *http.Client, base string) (answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := r.httpRequest(ctx, base)
	if err != nil {
		return answer{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	var body []byte
	if r.method.IsStreamingServer() && resp.StatusCode == http.StatusOK {
		body, err = bufio.NewReader(resp.Body).ReadBytes('\n')
	} else {
		body, err = io.ReadAll(resp.Body)
	}
	return answer{codeOf(resp.StatusCode), append(fmt.Append(nil, resp.Header, resp.Trailer), body...)}, err
}

// codeOf is the gRPC code that a status of REST stands for.
func codeOf(http int) codes.Code {
	switch http {
	case 200:
		return codes.OK
	case 400, 405, 406, 415, 431:
		return codes.InvalidArgument
	case 401:
		return codes.Unauthenticated
	case 403:
		return codes.PermissionDenied
	case 404:
		return codes.NotFound
	}
	return codes.Unknown
}
