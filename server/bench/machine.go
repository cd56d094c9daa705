package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Machine is what figures depend on.
type Machine struct {
	CPU     string            `json:"cpu"`
	Cores   int               `json:"cores"`
	System  string            `json:"system"`
	Load    string            `json:"load"` // as the run begins: other work on this machine
	Go      string            `json:"go"`
	Modules map[string]string `json:"modules"`
	Server  string            `json:"server"`
}

// measured are the modules whose versions matter.
var measured = []string{
	"google.golang.org/grpc", "google.golang.org/protobuf", "github.com/grpc-ecosystem/grpc-gateway/v2",
	"github.com/fullstorydev/grpchan", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/client/v3",
}

func thisMachine(server string) Machine {
	m := Machine{
		CPU: "unknown processor", Cores: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH,
		Go: runtime.Version(), Modules: map[string]string{}, Server: server,
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				m.CPU = strings.TrimSpace(value)
				break
			}
		}
	}
	if kernel, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += " " + strings.TrimSpace(string(kernel))
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.TrimSpace(string(load))
	}
	build, _ := debug.ReadBuildInfo() // absent only outside modules
	for _, name := range measured {
		for _, dep := range build.Deps {
			if dep.Path == name {
				m.Modules[name] = dep.Version
			}
		}
	}
	return m
}
