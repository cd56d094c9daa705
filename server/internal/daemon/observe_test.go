package daemon_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/servertest"
)

// shows waits until a series has a value.
func shows(t *testing.T, s *servertest.Server, series, want string) {
	t.Helper()
	until(patient(t), t, fmt.Sprintf("%s becomes %s", series, want), func() bool { return value(t, s, series) == want })
}

func TestWhatOperatorsSeeOfAProcess(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{Settings: map[string]string{"CONFIG_MAX_CONNECTIONS": "70", "CONFIG_MAX_STREAMS": "30"}})
	for series, want := range map[string]string{
		`configservice_role{role="sidecar"}`:                                             "1",
		`configservice_role{role="shared"}`:                                              "0",
		`configservice_role{role="control"}`:                                             "0",
		"configservice_max_connections":                                                  "70",
		"configservice_max_watches":                                                      "30",
		`configservice_open_connections{listener="grpc"}`:                                "0",
		"configservice_cache_good":                                                       "1",
		"configservice_audit_failures_total":                                             "0",
		`configservice_history_prunes_total{result="failed"}`:                            "0",
		`configservice_service_sweeps_total{result="failed"}`:                            "0",
		`configservice_certificate_expiry_timestamp_seconds{certificate="listener"}`:     "+Inf",
		`configservice_certificate_expiry_timestamp_seconds{certificate="store_client"}`: "+Inf",
	} {
		if got := value(t, s, series); got != want {
			t.Errorf("%s is %s, want %s", series, got, want)
		}
	}
	shows(t, s, "configservice_ready", "1")
	call(t, s)
	if got := value(t, s, `configservice_open_connections{listener="grpc"}`); got != "1" {
		t.Errorf("with one connection over gRPC it says %s", got)
	}
}

func TestNotReadyIsSeen(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{NoWait: true, Settings: map[string]string{"ETCD_ENDPOINTS": "127.0.0.1:1", "CONFIG_START_WAIT": "0"}})
	if got := value(t, s, "configservice_ready"); got != "0" {
		t.Errorf("without a configuration it says %s", got)
	}
}

func TestUnusableKeysAreSeenWhileTheyAreThere(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, servertest.Options{})
	s.Set(t, configv1.Layer_SERVICE, "good", "1")
	s.Set(t, configv1.Layer_SERVICE, "good", "{")
	s.Set(t, configv1.Layer_SHARED, "never", "nonsense")
	shows(t, s, "configservice_unusable_keys", "2")
	s.Set(t, configv1.Layer_SERVICE, "good", "2")
	shows(t, s, "configservice_unusable_keys", "1")
	s.Delete(t, configv1.Layer_SHARED, "never")
	shows(t, s, "configservice_unusable_keys", "0")
}

func TestACacheThatCannotBeUsedIsSeen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := servertest.Start(t, servertest.Options{Settings: map[string]string{"CONFIG_CACHE_DIR": path}})
	if got := value(t, s, "configservice_cache_good"); got != "0" {
		t.Errorf("with a file for a directory it says %s", got)
	}
}

func TestRecordsThatTheAuditFileDoesNotTakeAreSeen(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "audit")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "audit.log")
	s := servertest.Start(t, servertest.Options{Settings: map[string]string{"CONFIG_AUDIT_FILE": path}})
	if err := errors.Join(os.Rename(path, path+".1"), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	// Another site's page is refused, which is audited. The file is looked at every 2 s.
	until(patient(t), t, "a record that the file did not take is counted", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/config", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", "https://evil.example")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return value(t, s, "configservice_audit_failures_total") != "0"
	})
}

func TestWhenCertificatesEndIsSeen(t *testing.T) {
	t.Parallel()
	server, client, listener := selfSigned(t, "server"), selfSigned(t, "client"), selfSigned(t, "listener")
	etcd := servertest.StartEtcd(t)
	for certificate, settings := range map[string]map[string]string{
		"listener":     {"CONFIG_TLS_CERT_FILE": listener.cert, "CONFIG_TLS_KEY_FILE": listener.key},
		"store_client": {"ETCD_ENDPOINTS": terminator(t, etcd, server, client), "ETCD_CA_FILE": server.cert, "ETCD_CERT_FILE": client.cert, "ETCD_KEY_FILE": client.key},
	} {
		s := servertest.Start(t, servertest.Options{Etcd: etcd, Settings: settings})
		used := map[string]pair{"listener": listener, "store_client": client}
		for name, p := range used {
			want := "+Inf"
			if name == certificate {
				want = strconv.FormatFloat(float64(p.tls.Leaf.NotAfter.Unix()), 'g', -1, 64)
			}
			if got := value(t, s, fmt.Sprintf("configservice_certificate_expiry_timestamp_seconds{certificate=%q}", name)); got != want {
				t.Errorf("with a certificate for %s that for %s is said to end at %s, want %s", certificate, name, got, want)
			}
		}
	}
}
