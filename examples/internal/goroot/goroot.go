// Package goroot finds the Go installation. Examples use it as input, because every machine
// that can run them has it.
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
