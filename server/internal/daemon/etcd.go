package daemon

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/config-service/config-service/server/internal/etcdstore"
	"github.com/config-service/config-service/server/internal/settings"
	"github.com/config-service/config-service/server/internal/watched"
)

const (
	caSetting    = "--etcd-ca-file (ETCD_CA_FILE)"
	certSetting  = "--etcd-cert-file (ETCD_CERT_FILE)"
	keySetting   = "--etcd-key-file (ETCD_KEY_FILE)"
	tokenSetting = "--auth-token-file (AUTH_TOKEN_FILE)"
)

// tokenPrefix begins a token made by this service: cs_<id>_<secret>.
const tokenPrefix = "cs_"

// maxToken is above any token or password.
const maxToken = 4 << 10

// openAccess reads the files that open etcd; nil when none is set.
func (d *Daemon) openAccess() (*watched.Files[etcdstore.Access], error) {
	s := d.settings
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
		Report: d.metrics.FilesAre("store_credential"),
		Log:    d.log,
	})
}

// storeAccess returns what opens etcd at any time; nil: nothing is needed.
func (d *Daemon) storeAccess() func() (etcdstore.Access, <-chan struct{}) {
	switch {
	case d.access != nil:
		return d.access.Value
	case d.settings.EtcdTLS():
		return func() (etcdstore.Access, <-chan struct{}) {
			return etcdstore.Access{TLS: &tls.Config{MinVersion: tls.VersionTLS12}}, nil
		}
	}
	return nil
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

// parseToken returns the etcd user and password that a token means. cs_<id>_<secret>
// means the user <namespace>.<environment>.<id>; any other content is the password of
// the user <namespace>.
func parseToken(s *settings.Settings, content []byte) (user, password string, err error) {
	const accepted = "accepted: one line with one token"
	token := string(bytes.TrimSpace(content))
	switch {
	case token == "":
		return "", "", errors.New("holds nothing but white space; " + accepted)
	case len(token) > maxToken:
		return "", "", fmt.Errorf("holds %d bytes, more than %d; %s", len(token), maxToken, accepted)
	case strings.HasPrefix(token, "\ufeff"):
		return "", "", errors.New("begins with a byte order mark; " + accepted)
	case strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return "", "", errors.New("holds several lines or control characters; " + accepted)
	}
	if rest, ok := strings.CutPrefix(token, tokenPrefix); ok {
		if id, secret, ok := strings.Cut(rest, "_"); ok && id != "" && secret != "" {
			return s.ServiceName + "." + s.Environment + "." + id, secret, nil
		}
	}
	return s.ServiceName, token, nil
}
