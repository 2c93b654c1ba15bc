//go:build browser

package main

import (
	"flag"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/grove-go/grove/examples/internal/program"
)

var screenshot = flag.String("screenshot", "", "file for the picture of the page, such as ../../../docs/tasks.png")

// TestScreenshot takes a picture of the page while the program hangs.
func TestScreenshot(t *testing.T) {
	p := program.Start(t, "-debug", "127.0.0.1:0")
	_, url, _ := strings.Cut(strings.TrimSpace(p.Line("tasks: ")), "tasks: ")
	file := filepath.Join(t.TempDir(), "tasks.png")
	if *screenshot != "" {
		var err error
		if file, err = filepath.Abs(*screenshot); err != nil {
			t.Fatal(err)
		}
	}
	// The page polls every two seconds, so the picture shows the hang.
	out, err := exec.CommandContext(t.Context(), "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
		"--window-size=1100,420", "--virtual-time-budget=5000", "--screenshot="+file, url).CombinedOutput()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, out)
	}
	p.Signal(syscall.SIGQUIT)
	p.Wait(2)
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	picture, err := png.DecodeConfig(f)
	if err != nil || picture.Width != 1100 {
		t.Errorf("the picture has %d by %d pixels, %v", picture.Width, picture.Height, err)
	}
}
