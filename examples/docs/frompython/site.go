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

// fetch stands for a call that takes time and may fail. A page with a name that begins with
// "no" is missing. The page "broken" ends too soon, after a while. A page with a name that
// begins with "slow" takes forever.
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
