package natsserver_test

import (
	"os"
	"testing"

	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleKey); role != "" {
		play(role)
		return
	}
	testutil.Main(m)
}
