package unclosed

import (
	"testing"

	"github.com/grove-go/grove/cancel"
)

func TestScope(t *testing.T) {
	s := cancel.New(t.Context()) // which ends with the test
	if err := use(s); err != nil {
		t.Error(err)
	}
}
