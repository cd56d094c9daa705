package gateway

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// direct answers the request that nearly all requests are: Get of a key in plain letters, without a query or a header
// that is forwarded. It does what grpc-gateway does with it, and answers by the same functions; what it leaves out is
// looking for what cannot be there, which was a sixth of what a REST call costs. Everything else takes the long way;
// a test holds the two together.
type direct struct {
	mux     *runtime.ServeMux // for its forms
	service *chained
	said    *said
	rooms   sync.Pool // of *[]byte
}

// keyOf returns the key of a cleaned request that is to be answered here, or nothing.
func (d *direct) keyOf(rt *route, clean *http.Request) string {
	if rt.method != "Get" || clean.URL.RawQuery != "" || clean.URL.RawPath != "" || len(clean.Header) != 1 {
		return ""
	}
	key := strings.TrimPrefix(clean.URL.Path, rt.path())
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return ""
		}
	}
	return key
}

func (d *direct) answer(w http.ResponseWriter, clean *http.Request, key string) {
	var stream runtime.ServerTransportStream
	ctx := grpc.NewContextWithServerTransportStream(clean.Context(), &stream)
	resp, err := d.service.Get(metadata.NewIncomingContext(ctx, whence(clean)), &configv1.GetRequest{Key: key})
	_, form := runtime.MarshalerForRequest(d.mux, clean)
	if err != nil {
		ctx = runtime.NewServerMetadataContext(ctx, runtime.ServerMetadata{HeaderMD: stream.Header()})
		writeError(ctx, d.mux, form, w, clean, err)
		return
	}
	if _, isJSON := form.(jsonForm); !isJSON {
		runtime.ForwardResponseMessage(ctx, d.mux, form, w, clean, resp, d.said.writeHeaders)
		return
	}
	d.writeJSON(ctx, w, resp)
}

// writeJSON does what grpc-gateway does, and takes its room for the text from those before.
func (d *direct) writeJSON(ctx context.Context, w http.ResponseWriter, resp *configv1.GetResponse) {
	room, _ := d.rooms.Get().(*[]byte)
	if room == nil {
		room = new([]byte)
	}
	body := append(append(beginGot((*room)[:0], resp.GetEntry()), d.said.json(resp.GetState())...), '}')
	h := headers{w.Header(), make([]string, 0, 2)}
	h.set("Content-Type", mimeJSON)
	h.set("Content-Length", strconv.Itoa(len(body)))
	_ = d.said.writeHeaders(ctx, w, resp) // never fails
	_, _ = w.Write(body)                  // a client that went away is no news
	if cap(body) <= maxRoom {
		*room = body
		d.rooms.Put(room)
	}
}

// maxRoom is what is kept of the room that an answer took.
const maxRoom = 16 << 10

// whence is what grpc-gateway says of a request without headers: the host it is for, which the gate knows, and where it
// came from, for records.
func whence(r *http.Request) metadata.MD {
	md := metadata.MD{"x-forwarded-host": {r.Host}}
	if ip, _, err := net.SplitHostPort(r.RemoteAddr); err == nil { // fails for a Unix socket
		md["x-forwarded-for"] = []string{ip}
	}
	return md
}
