package testutil_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/grove-go/grove/testutil"
)

// among matches a *codeError whose code is one of codes.
func among(codes ...int) testutil.ErrorMatcher {
	return testutil.As(func(e *codeError) bool {
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
	t.Run("T5/an assignment is found if there is one", func(t *testing.T) {
		wantMatch(t, codes(1, 2), testutil.Group(among(1, 2), among(1)))
		wantMatch(t, codes(2, 1), testutil.Group(among(1, 2), among(1)))
		wantMatch(t, codes(1, 2, 3), testutil.Group(among(1, 2), among(2, 3), among(1)))
		wantMatch(t, codes(1, 2, 3), testutil.Group(among(1, 2), among(1, 2), among(1, 2)),
			"of 3 wanted 1 missing, of 3 errors 1 left over", "left over: code 3")
		// Each takes the place of the one before, all the way.
		const many = 60
		var all []int
		var want []testutil.ErrorMatcher
		for i := range many {
			all = append(all, i)
			want = append(want, among(i, (i+1)%many))
		}
		want[many-1] = among(0)
		wantMatch(t, codes(all...), testutil.Group(want...))
	})
	t.Run("T5/as many are paired as an exhaustive search pairs", func(t *testing.T) {
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
			want := make([]testutil.ErrorMatcher, m)
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
			r := &recorder{TB: t}
			testutil.WantError(r, codes(all...), testutil.Group(want...))
			if best == n && best == m {
				matched++
				wantReport(t, r)
			} else {
				wantReport(t, r, fmt.Sprintf("of %d wanted %d missing, of %d errors %d left over\n", m, m-best, n, n-best))
			}
		}
		if matched == 0 || matched == 2000 {
			t.Errorf("%d of 2000 matched: nothing is tested", matched)
		}
	})
}

// most returns how many of fits from w on can be paired, by trying all.
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
