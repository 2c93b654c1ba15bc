package barego

import (
	"testing"

	"github.com/grove-go/grove/nursery"
)

func helper(t *testing.T, n *nursery.Nursery) {
	go work()
}
