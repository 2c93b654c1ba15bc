package errmatch_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/grove-go/grove/testutil/errmatch"
)

// among matches a *codeError with one of the codes.
func among(codes ...int) errmatch.Matcher {
	return errmatch.As(func(e *codeError) bool {
		return slices.Contains(codes, e.code)
	})
}

func codes(all ...int) error {
	errs := make([]error, len(all))
	for i, c := range all {
		errs[i] = &codeError{c}
	}
	return errors.Join(errs...)
}

func TestGroupPairing(t *testing.T) {
	t.Run("T5/a pairing is found if there is one", func(t *testing.T) {
		wantMatch(t, codes(1, 2), errmatch.Group(among(1, 2), among(1)))
		wantMatch(t, codes(2, 1), errmatch.Group(among(1, 2), among(1)))
		wantMatch(t, codes(1, 2, 3), errmatch.Group(among(1, 2), among(2, 3), among(1)))
		wantMatch(t, codes(1, 2, 3), errmatch.Group(among(1, 2), among(1, 2), among(1, 2)),
			"1 of 3 wanted missing, 1 of 3 errors left over", "left over: code 3")
		// Each matcher has to move to its second error.
		const many = 60
		var all []int
		var want []errmatch.Matcher
		for i := range many {
			all = append(all, i)
			want = append(want, among(i, (i+1)%many))
		}
		want[many-1] = among(0)
		wantMatch(t, codes(all...), errmatch.Group(want...))
	})
	t.Run("T5/the pairing is as large as an exhaustive search finds", func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 0))
		matched := 0
		for range 2000 {
			n, m := 1+rnd.IntN(5), 1+rnd.IntN(5)
			if rnd.IntN(3) > 0 {
				m = n
			}
			fits := make([][]bool, m)
			want := make([]errmatch.Matcher, m)
			for w := range want {
				fits[w] = make([]bool, n)
				var ok []int
				for e := range n {
					if rnd.IntN(3) == 0 {
						fits[w][e] = true
						ok = append(ok, e)
					}
				}
				want[w] = among(ok...)
			}
			all := make([]int, n)
			for e := range all {
				all[e] = e
			}
			best := most(fits, 0, make([]bool, n))
			report := errmatch.Check(codes(all...), errmatch.Group(want...))
			if best == n && best == m {
				matched++
				wantReport(t, report)
			} else {
				wantReport(t, report, fmt.Sprintf("%d of %d wanted missing, %d of %d errors left over\n", m-best, m, n-best, n))
			}
		}
		if matched == 0 || matched == 2000 {
			t.Errorf("%d of 2000 matched: nothing is tested", matched)
		}
	})
}

// most returns the size of a maximum pairing of fits[w:], found by trying all.
func most(fits [][]bool, w int, taken []bool) int {
	if w == len(fits) {
		return 0
	}
	best := most(fits, w+1, taken)
	for e, ok := range fits[w] {
		if ok && !taken[e] {
			taken[e] = true
			best = max(best, 1+most(fits, w+1, taken))
			taken[e] = false
		}
	}
	return best
}
