package connect

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

const maxToken = 16 << 10

// token is the credential of every call, read anew for each.
type token struct {
	file   string
	secure bool // the way to the server has to be secret
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (t token) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	read, err := readToken(t.file)
	if err != nil {
		return nil, fmt.Errorf("the token file %w", err)
	}
	return map[string]string{"authorization": "Bearer " + read}, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials.
func (t token) RequireTransportSecurity() bool { return t.secure }

// readToken reads a token. Its errors begin with a verb and do not show what was read. It
// waits for nobody when the path is a pipe.
func readToken(path string) (string, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return "", fmt.Errorf("cannot be read (%w)", reasonOf(err))
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return "", errors.New("is no regular file")
	}
	data, err := io.ReadAll(io.LimitReader(file, maxToken+1))
	if err != nil {
		return "", fmt.Errorf("cannot be read (%w)", reasonOf(err))
	}
	read := strings.TrimSpace(string(data))
	switch {
	case len(data) > maxToken:
		return "", errors.New("is longer than 16 KiB")
	case read == "":
		return "", errors.New("is empty")
	case strings.ContainsAny(read, "\r\n"):
		return "", errors.New("has more than one line")
	case strings.ContainsFunc(read, func(r rune) bool { return r < ' ' || r > '~' }):
		return "", errors.New("holds something else than printable ASCII")
	}
	return read, nil
}
