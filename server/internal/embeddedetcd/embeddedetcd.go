// Package embeddedetcd runs a real etcd inside this process: for tests and for the
// development server. The production binary does not import it.
package embeddedetcd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
)

// Etcd is a running etcd of one member.
type Etcd struct {
	Endpoint string // client URL
	embedded *embed.Etcd
}

// Options change how etcd runs. What is zero is etcd's own default.
type Options struct {
	TokenTTL   time.Duration // of an idle login, in whole seconds
	BcryptCost uint          // of passwords
	Quota      int64         // bytes of data; beyond them etcd takes no more writes
	TLS        *TLS          // nil: plaintext
}

// TLS are the files of an etcd that speaks TLS and asks clients for a certificate, whose
// common name is the user. It reads the certificate anew for every connection.
type TLS struct{ Cert, Key, ClientCA string }

// Start runs etcd on a client address (HOST:PORT, port 0 for any) with its data in
// dir, and returns when it serves. It does not fsync: a crash of the machine can lose
// data.
func Start(ctx context.Context, clientAddr, dir string) (*Etcd, error) {
	return StartWith(ctx, clientAddr, dir, Options{})
}

// StartWith is Start with Options. Data that dir holds already is taken up.
func StartWith(ctx context.Context, clientAddr, dir string, o Options) (*Etcd, error) {
	cfg := embed.NewConfig()
	if o.TokenTTL != 0 {
		cfg.AuthTokenTTL = uint(o.TokenTTL / time.Second)
	}
	if o.BcryptCost != 0 {
		cfg.BcryptCost = o.BcryptCost
	}
	cfg.QuotaBackendBytes = o.Quota
	cfg.Dir = dir
	cfg.UnsafeNoFsync = true
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	client := url.URL{Scheme: "http", Host: clientAddr}
	if o.TLS != nil {
		client.Scheme = "https"
		cfg.ClientTLSInfo = transport.TLSInfo{CertFile: o.TLS.Cert, KeyFile: o.TLS.Key, TrustedCAFile: o.TLS.ClientCA, ClientCertAuth: true}
		cfg.EnableGRPCGateway = false // which would be a client of its own, with the server's certificate
	}
	peer := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd on %s: %w", clientAddr, err)
	}
	select {
	case <-e.Server.ReadyNotify():
		return &Etcd{Endpoint: client.Scheme + "://" + e.Clients[0].Addr().String(), embedded: e}, nil
	case err = <-e.Err():
	case <-e.Server.StopNotify():
		err = errors.New("it stopped by itself")
	case <-ctx.Done():
		err = ctx.Err()
	}
	e.Close()
	return nil, fmt.Errorf("start etcd on %s: %w", clientAddr, err)
}

// Close stops etcd and returns when it has ended.
func (e *Etcd) Close() { e.embedded.Close() }
