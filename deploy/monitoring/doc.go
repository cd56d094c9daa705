// Package monitoring holds what Prometheus and Grafana are given, and the tests of it. It is
// a module of its own: the server does not depend on Prometheus.
package monitoring
