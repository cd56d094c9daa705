package configclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
)

const maxToken = 16 << 10

// token is the credential of every call. It is read when a connection is made.
type token struct {
	file   string
	secure bool // the way to the sidecar has to be secret
	log    *slog.Logger
	good   string // the last usable one
	failed bool   // the file is unusable, and that was logged
}

func newToken(set settings) *token {
	good, _ := readToken(set.tokenFile) // resolve has read it
	return &token{file: set.tokenFile, secure: !set.isLocal(), log: set.log, good: good}
}

// GetRequestMetadata implements credentials.PerRPCCredentials. gRPC calls it once for each
// stream, and there is one.
func (t *token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	read, err := readToken(t.file)
	if err == nil {
		t.good, t.failed = read, false
	} else if !t.failed {
		t.failed = true
		t.log.Warn("the token file is unusable; the last good token is used", "file", t.file, "problem", err)
	}
	return map[string]string{"authorization": "Bearer " + t.good}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (t *token) RequireTransportSecurity() bool { return t.secure }

// readToken reads a token. Its errors begin with a verb and do not show what was read.
func readToken(path string) (string, error) {
	file, err := openNow(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read (%w)", cause(err))
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.New("is no regular file")
	}
	data, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("cannot be read (%w)", cause(err))
	}
	token := strings.TrimSpace(string(data))
	switch {
	case len(data) > maxToken:
		return "", errors.New("is longer than 16 KiB")
	case token == "":
		return "", errors.New("is empty")
	case strings.ContainsAny(token, "\r\n"):
		return "", errors.New("has more than one line")
	case strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", errors.New("holds something else than printable ASCII")
	}
	return token, nil
}

// isLocal says whether what is sent to the address stays on this machine.
func (s settings) isLocal() bool {
	host, _, _ := net.SplitHostPort(s.address) // it was checked
	if host == "localhost" || strings.HasPrefix(s.address, "unix:") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
