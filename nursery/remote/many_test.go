//go:build !drill

package remote_test

const manyCalls = 3_000
