package frompython

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/grove-go/grove/cancel"
)

// fetch stands for what takes its time and may fail. A page whose name begins with
// "no" is missing, "broken" ends too soon after a while, and one whose name begins with "slow" takes
// for ever.
func fetch(ctx context.Context, url string) (string, error) {
	switch {
	case strings.HasPrefix(url, "no"):
		return "", fmt.Errorf("fetch %s: %w", url, fs.ErrNotExist)
	case url == "broken":
		if err := cancel.Sleep(ctx, time.Millisecond); err != nil {
			return "", err
		}
		return "", fmt.Errorf("fetch %s: %w", url, io.ErrUnexpectedEOF)
	case strings.HasPrefix(url, "slow"):
		return "", cancel.Forever(ctx)
	}
	return "page " + url, cancel.Err(ctx)
}
