// Command app is the application of the tests on Kubernetes: it reads its configuration
// from localhost, as any application beside a sidecar does, and tells on standard output, in
// lines of JSON, what it sees and when.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
)

// rest is where the sidecar answers. The application is given no address.
const rest = "http://localhost:8080"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		tell("failed", map[string]any{"error": err.Error()})
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch {
	case len(args) == 0:
		return serve(ctx)
	case args[0] == "idle":
		<-ctx.Done()
		return nil
	case args[0] == "job":
		answer := get(ctx, "/v1/config")
		tell("job", answer)
		if answer["code"] != http.StatusOK {
			return errors.New("a job without configuration")
		}
		return nil
	case args[0] == "get" && len(args) == 2:
		return show(ctx, args[1])
	}
	return fmt.Errorf("%q: accepted: nothing, idle, job, get URL", args)
}

// tell writes one line of what happened.
func tell(event string, more map[string]any) {
	line := map[string]any{"event": event, "time": time.Now().UTC().Format(time.RFC3339Nano)}
	for name, value := range more {
		line[name] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // what is told is made here
	}
	fmt.Println(string(text))
}

// get asks the sidecar over REST, and returns the code, or the error, and the bare text.
func get(ctx context.Context, path string) map[string]any {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rest+path, nil)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	req.Header.Set("Accept", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return map[string]any{"code": resp.StatusCode, "text": string(body)}
}

// show prints what a URL answers.
func show(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(os.Stdout, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

func serve(ctx context.Context) error {
	tell("start", get(ctx, "/v1/config")) // the first thing that it does
	config, err := configclient.Open(ctx)
	if err != nil {
		return err
	}
	defer config.Close()
	if _, err := config.OnChange("*", func(c configclient.Change) {
		tell("change", map[string]any{"key": c.Key, "kind": c.Kind})
	}); err != nil {
		return err
	}
	var stopping atomic.Bool
	server := &http.Server{Addr: ":3000", Handler: handler(config, &stopping), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stopping.Store(true)
	if err := finish(config); err != nil {
		return err
	}
	return server.Close()
}

// finish is what the application has left to do when it is told to stop: with the key
// work.left true it goes on until that is false, and needs its configuration all the while.
func finish(config *configclient.Client) error {
	tell("stopping", map[string]any{"status": config.Status()})
	ctx := context.Background()
	reads, failed := 0, 0
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for ; ; <-every.C {
		answer := get(ctx, "/v1/config")
		reads++
		if answer["code"] != http.StatusOK {
			failed++
			tell("lost", answer)
		}
		if !configclient.Get(config, "work.left", false) {
			break
		}
	}
	tell("stopped", map[string]any{"reads": reads, "failed": failed, "status": config.Status()})
	if failed > 0 {
		return fmt.Errorf("%d of %d reads found no configuration", failed, reads)
	}
	return nil
}

// handler says that the application is ready, and what it works with.
func handler(config *configclient.Client, stopping *atomic.Bool) http.Handler {
	started := time.Now()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if stopping.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, r *http.Request) {
		values, err := config.Snapshot("")
		state := map[string]any{"started": started, "status": config.Status(), "values": values, "rest": get(r.Context(), "/v1/config")}
		if err != nil {
			state["error"] = err.Error()
		}
		_ = json.NewEncoder(w).Encode(state) // who left does not want it
	})
	return mux
}
