// Package opstest is tests only: of what deploy/ tells operators, and of how releases are
// made.
package opstest
