// Package goroot finds the Go installation, which the examples use as input that is
// there on every machine that can run them.
package goroot

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Find returns the folder of the Go installation.
func Find(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
