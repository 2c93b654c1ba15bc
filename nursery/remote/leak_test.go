package remote_test

import (
	"testing"

	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }
