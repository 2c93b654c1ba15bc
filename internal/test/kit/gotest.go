package kit

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"testing"
)

// BuildTest builds the test binary of a package of the module in dir, and returns its path
// and the environment of the go command. The binary has the race detector if the running one
// has it. The module must need nothing from the network.
func BuildTest(t *testing.T, dir, pkg string) (bin string, env []string) {
	t.Helper()
	bin = filepath.Join(dir, "copied.test.exe")
	args := []string{"test", "-c", "-o", bin}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		t.Fatal("no build information")
	}
	if slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	c := exec.Command("go", append(args, pkg)...)
	c.Dir = dir
	c.Env = append(os.Environ(),
		"GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off",
		"GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c, err, out)
	}
	return bin, c.Env
}
