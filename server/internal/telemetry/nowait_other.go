//go:build !unix

package telemetry

const noWait = 0
