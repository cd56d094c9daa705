package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"google.golang.org/grpc/grpclog"
)

// NewLogger returns a logger that writes one line a record, as JSON or text. Level
// and format are those of the settings.
func NewLogger(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // the settings have checked it
	opts := &slog.HandlerOptions{Level: l}
	if format == "text" {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// RouteLibraryLogs sends what libraries log to log. What gRPC and its gateway say goes
// there at debug level: what matters of it is logged by this service. It sets globals
// of these libraries and belongs in main.
func RouteLibraryLogs(log *slog.Logger) {
	grpclog.SetLoggerV2(grpcLog{log})
	otel.SetLogger(logr.FromSlogHandler(log.Handler()))
	rarely := NewRarely(repeatEvery, time.Now)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		if skipped, ok := rarely.Pass(); ok {
			log.Warn("OpenTelemetry", "error", err, "more_since_last", skipped)
		}
	}))
}

type grpcLog struct{ log *slog.Logger }

func (g grpcLog) write(text string)              { g.log.Debug("grpc", "detail", text) }
func (g grpcLog) Info(args ...any)               {}
func (g grpcLog) Infoln(args ...any)             {}
func (g grpcLog) Infof(string, ...any)           {}
func (g grpcLog) Warning(args ...any)            { g.write(fmt.Sprint(args...)) }
func (g grpcLog) Warningln(args ...any)          { g.write(fmt.Sprint(args...)) }
func (g grpcLog) Warningf(f string, args ...any) { g.write(fmt.Sprintf(f, args...)) }
func (g grpcLog) Error(args ...any)              { g.write(fmt.Sprint(args...)) }
func (g grpcLog) Errorln(args ...any)            { g.write(fmt.Sprint(args...)) }
func (g grpcLog) Errorf(f string, args ...any)   { g.write(fmt.Sprintf(f, args...)) }
func (g grpcLog) Fatal(args ...any)              { panic(fmt.Sprint(args...)) }
func (g grpcLog) Fatalln(args ...any)            { panic(fmt.Sprint(args...)) }
func (g grpcLog) Fatalf(f string, args ...any)   { panic(fmt.Sprintf(f, args...)) }
func (g grpcLog) V(int) bool                     { return g.log.Enabled(context.Background(), slog.LevelDebug) }
