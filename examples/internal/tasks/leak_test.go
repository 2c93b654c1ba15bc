// Package tasks_test tests the page of package web in a browser. That package may not
// require what this takes.
package tasks_test

import (
	"testing"

	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }
