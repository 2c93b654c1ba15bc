package flags_test

import (
	"math"
	"testing"
	"time"

	"github.com/grove-go/grove/examples/internal/flags"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{flags.Within("n", 1, 1, 3), ""},
		{flags.Within("n", 3, 1, 3), ""},
		{flags.Within("n", 0, 1, 3), "-n: must be from 1 to 3, got 0"},
		{flags.Within("n", math.MinInt, 1, 3), "-n: must be from 1 to 3, got -9223372036854775808"},
		{flags.Within("n", 4, 1, 3), "-n: must be from 1 to 3, got 4"},
		{flags.Within("rate", .5, .5, 3), ""},
		{flags.Within("rate", math.NaN(), .5, 3), "-rate: must be from 0.5 to 3, got NaN"},
		{flags.Within("rate", math.Inf(1), .5, 3), "-rate: must be from 0.5 to 3, got +Inf"},
		{flags.Within("rate", math.Inf(-1), .5, 3), "-rate: must be from 0.5 to 3, got -Inf"},
		{flags.Within("for", 2*time.Hour, time.Second, time.Hour), "-for: must be from 1s to 1h0m0s, got 2h0m0s"},
	} {
		if got := ""; c.err != nil {
			got = c.err.Error()
			if got != c.want {
				t.Errorf("error %q, want %q", got, c.want)
			}
		} else if c.want != "" {
			t.Errorf("no error, want %q", c.want)
		}
	}
}
