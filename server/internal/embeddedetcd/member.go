package embeddedetcd

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
)

// Member is one member of an etcd cluster of several.
type Member struct {
	Name       string
	Dir        string // its data; what is there already is taken up
	ClientAddr string // HOST:PORT of loopback
	PeerListen string // URL
	PeerURL    string // URL that the other members use
	Cluster    string // NAME=PEERURL,... of all members
	LogFile    string
}

// RunMember runs the member until ctx ends, or until it fails. It does not fsync: it
// survives its own SIGKILL, not that of the machine.
func RunMember(ctx context.Context, m Member) error {
	cfg := embed.NewConfig()
	cfg.Name, cfg.Dir = m.Name, m.Dir
	cfg.UnsafeNoFsync = true
	cfg.LogLevel, cfg.LogOutputs = "warn", []string{m.LogFile}
	cfg.TickMs, cfg.ElectionMs = 100, 1000
	client := url.URL{Scheme: "http", Host: m.ClientAddr}
	listen, err := url.Parse(m.PeerListen)
	if err != nil {
		return fmt.Errorf("peer address of %s: %w", m.Name, err)
	}
	advertise, err := url.Parse(m.PeerURL)
	if err != nil {
		return fmt.Errorf("peer URL of %s: %w", m.Name, err)
	}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*listen}, []url.URL{*advertise}
	cfg.InitialCluster = m.Cluster
	e, err := embed.StartEtcd(cfg)
	if err != nil {
		return fmt.Errorf("start member %s: %w", m.Name, err)
	}
	defer e.Close()
	select {
	case err = <-e.Err():
		return fmt.Errorf("member %s: %w", m.Name, err)
	case <-e.Server.StopNotify():
		return errors.New("member " + m.Name + " stopped by itself")
	case <-ctx.Done():
		return nil
	}
}
