package robust

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// Open begins one connection of a watch. The returned function receives its next
// message; it fails when the connection has ended.
type Open func(ctx context.Context, sel Selection, resume *Point) (recv Recv, err error)

// Recv returns the next message of a connection.
type Recv func() (Message, error)

const checkpointEvery = time.Second

// OverGRPC opens watches over a gRPC connection.
func OverGRPC(conn grpc.ClientConnInterface) Open {
	return func(ctx context.Context, sel Selection, resume *Point) (Recv, error) {
		req := &configv1.WatchRequest{Prefix: sel.Prefix, Keys: sel.Keys, CheckpointInterval: durationpb.New(checkpointEvery)}
		if resume != nil {
			req.Resume = &configv1.ResumePoint{Epoch: resume.Epoch, Revision: resume.Revision}
		}
		stream, err := configv1.NewConfigServiceClient(conn).Watch(ctx, req)
		if err != nil {
			return nil, err
		}
		return func() (Message, error) {
			w, err := stream.Recv()
			if err != nil {
				return Message{}, err
			}
			return messageOf(w)
		}, nil
	}
}

// OverNDJSON opens watches over REST, resumed by query.
func OverNDJSON(client *http.Client, base string) Open {
	return func(ctx context.Context, sel Selection, resume *Point) (Recv, error) {
		query := queryOf(sel)
		if resume != nil {
			query.Set("resume.epoch", resume.Epoch)
			query.Set("resume.revision", strconv.FormatInt(resume.Revision, 10))
		}
		lines, err := openREST(ctx, client, base+"/v1/watch?"+query.Encode(), nil)
		if err != nil {
			return nil, err
		}
		return func() (Message, error) {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return Message{}, err
			}
			var frame struct{ Result, Error json.RawMessage }
			if err := json.Unmarshal(line, &frame); err != nil {
				return Message{}, err
			}
			if frame.Error != nil {
				return Message{}, fmt.Errorf("error frame: %s", frame.Error)
			}
			return parse(frame.Result)
		}, nil
	}
}

// OverSSE opens watches as a browser does, resumed by Last-Event-ID.
func OverSSE(client *http.Client, base string) Open {
	return func(ctx context.Context, sel Selection, resume *Point) (Recv, error) {
		header := http.Header{"Accept": {"text/event-stream"}}
		if resume != nil {
			header.Set("Last-Event-ID", resume.Epoch+"."+strconv.FormatInt(resume.Revision, 10))
		}
		lines, err := openREST(ctx, client, base+"/v1/watch?"+queryOf(sel).Encode(), header)
		if err != nil {
			return nil, err
		}
		return func() (Message, error) { return readEvent(lines) }, nil
	}
}

func queryOf(sel Selection) url.Values {
	query := url.Values{"checkpoint_interval": {checkpointEvery.String()}}
	if sel.Prefix != "" {
		query.Set("prefix", sel.Prefix)
	}
	for _, k := range sel.Keys {
		query.Add("keys", k)
	}
	return query
}

func openREST(ctx context.Context, client *http.Client, target string, header http.Header) (*bufio.Reader, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%s: %s", resp.Status, body)
	}
	context.AfterFunc(ctx, func() { _ = resp.Body.Close() })
	return bufio.NewReader(resp.Body), nil
}

// readEvent reads one Server-Sent Event and holds its fields against its data.
func readEvent(lines *bufio.Reader) (Message, error) {
	fields := map[string]string{}
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return Message{}, err
		}
		line = strings.TrimSuffix(line, "\n")
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ": ")
		fields[name] = value
	}
	if fields["event"] == "error" {
		return Message{}, errors.New("error event: " + fields["data"])
	}
	m, err := parse([]byte(fields["data"]))
	if err != nil {
		return m, err
	}
	if id := m.Epoch + "." + strconv.FormatInt(m.Revision, 10); fields["id"] != id || fields["event"] != string(m.Kind) {
		return m, fmt.Errorf("event %q with id %q holds a %s of %q", fields["event"], fields["id"], m.Kind, id)
	}
	return m, nil
}

func parse(data []byte) (Message, error) {
	var w configv1.WatchResponse
	if err := protojson.Unmarshal(data, &w); err != nil {
		return Message{}, err
	}
	return messageOf(&w)
}
