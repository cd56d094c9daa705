package daemon

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/identity"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/watched"
)

const (
	caSetting    = "--etcd-ca-file (ETCD_CA_FILE)"
	certSetting  = "--etcd-cert-file (ETCD_CERT_FILE)"
	keySetting   = "--etcd-key-file (ETCD_KEY_FILE)"
	tokenSetting = "--auth-token-file (AUTH_TOKEN_FILE)"
)

// maxToken is above any token or password.
const maxToken = 4 << 10

// openAccess reads the files that open etcd; nil when none is set. report may be nil.
func openAccess(s *settings.Settings, report func(good bool), log *slog.Logger) (*watched.Files[etcdstore.Access], error) {
	var files []watched.File
	for _, f := range []watched.File{
		{Setting: caSetting, Path: s.EtcdCAFile},
		{Setting: certSetting, Path: s.EtcdCertFile},
		{Setting: keySetting, Path: s.EtcdKeyFile, Secret: true},
		{Setting: tokenSetting, Path: s.AuthTokenFile, Secret: true},
	} {
		if f.Path != "" {
			files = append(files, f)
		}
	}
	if len(files) == 0 {
		return nil, nil
	}
	return watched.Open(watched.Config[etcdstore.Access]{
		Files: files,
		Parse: func(contents [][]byte) (etcdstore.Access, error) {
			bySetting := map[string][]byte{}
			for i, f := range files {
				bySetting[f.Setting] = contents[i]
			}
			return parseAccess(s, bySetting)
		},
		Report: report,
		Log:    log,
	})
}

// storeAccess returns what opens etcd at every moment; nil: plaintext and no credential.
func storeAccess(s *settings.Settings, files *watched.Files[etcdstore.Access]) func() (etcdstore.Access, <-chan struct{}) {
	switch {
	case files != nil:
		return files.Value
	case s.EtcdTLS():
		return func() (etcdstore.Access, <-chan struct{}) {
			return etcdstore.Access{TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, nil
		}
	}
	return nil
}

// StoreAccess reads once what opens etcd.
func StoreAccess(s *settings.Settings, log *slog.Logger) (etcdstore.Access, error) {
	files, err := openAccess(s, nil, log)
	if err != nil {
		return etcdstore.Access{}, err
	}
	access := storeAccess(s, files)
	if access == nil {
		return etcdstore.Access{}, nil
	}
	a, _ := access()
	return a, nil
}

// ReadPassword reads a file that holds a password of etcd as AUTH_TOKEN_FILE does.
// setting is what named it.
func ReadPassword(setting, path string, log *slog.Logger) (string, error) {
	file, err := watched.Open(watched.Config[string]{
		Files: []watched.File{{Setting: setting, Path: path, Secret: true}},
		Parse: func(contents [][]byte) (string, error) {
			password, err := parseSecret(contents[0])
			if err != nil {
				return "", fmt.Errorf("%s %w", setting, err)
			}
			return password, nil
		},
		Log: log,
	})
	if err != nil {
		return "", err
	}
	password, _ := file.Value()
	return password, nil
}

// parseAccess makes of the files' contents what opens etcd.
func parseAccess(s *settings.Settings, files map[string][]byte) (a etcdstore.Access, err error) {
	if s.EtcdTLS() {
		if a.TLS, err = parseTLS(files); err != nil {
			return a, err
		}
	}
	if token, ok := files[tokenSetting]; ok {
		if a.User, a.Password, err = parseToken(s, token); err != nil {
			return a, fmt.Errorf("%s %w", tokenSetting, err)
		}
	}
	return a, nil
}

func parseTLS(files map[string][]byte) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if pem, ok := files[caSetting]; ok {
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New(caSetting + " holds no certificate; accepted: PEM")
		}
	}
	if cert, ok := files[certSetting]; ok {
		pair, err := tls.X509KeyPair(cert, files[keySetting])
		if err != nil {
			return nil, fmt.Errorf("%s with %s is not usable: %w; accepted: PEM of a certificate and of its key", certSetting, keySetting, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// parseToken returns the etcd user and password that the content of a token file means.
// In the roles shared and control it is the password of the role's user. In a sidecar
// cs_<id>_<secret> means the user <namespace>.<environment>.<id>; any other content is the
// password of the user <namespace>.
func parseToken(s *settings.Settings, content []byte) (user, password string, err error) {
	token, err := parseSecret(content)
	if err != nil {
		return "", "", err
	}
	switch s.Role {
	case settings.RoleShared:
		return etcdstore.SharedUser, token, nil
	case settings.RoleControl:
		return etcdstore.ControlUser, token, nil
	}
	if id, secret, ok := identity.CutToken(token); ok {
		return s.ServiceName + "." + s.Environment + "." + id, secret, nil
	}
	return s.ServiceName, token, nil
}

// parseSecret returns the one line that a file holds.
func parseSecret(content []byte) (string, error) {
	const accepted = "accepted: one line with one token"
	token := string(bytes.TrimSpace(content))
	switch {
	case token == "":
		return "", errors.New("holds nothing but white space; " + accepted)
	case len(token) > maxToken:
		return "", fmt.Errorf("holds %d bytes, more than %d; %s", len(token), maxToken, accepted)
	case strings.HasPrefix(token, "\ufeff"):
		return "", errors.New("begins with a byte order mark; " + accepted)
	case strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", errors.New("holds several lines or control characters; " + accepted)
	}
	return token, nil
}
