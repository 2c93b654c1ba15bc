//go:build drill

package remote_test

const manyCalls = 100_000
