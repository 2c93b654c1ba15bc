package testutil

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/grove-go/grove/nursery"
)

// Group matches a group of errors each of which matches another one of want, in any
// order, with none left over on either side. A group is what has Unwrap() []error:
// a [*nursery.GroupError], what [errors.Join] makes, and others. If an error matches
// several of want, that one of them is found which suits all.
//
// A single error is no group, and a group in a group is matched by a Group in want:
// nothing is flattened. Group panics if want is empty or has a nil.
func Group(want ...ErrorMatcher) ErrorMatcher {
	mustMembers("Group", want)
	return groupMatcher{want: slices.Clone(want)}
}

// Nursery is [Group] for the failures of the nursery of that name: it matches a
// [*nursery.GroupError].
func Nursery(name string, want ...ErrorMatcher) ErrorMatcher {
	mustMembers("Nursery", want)
	return groupMatcher{&name, slices.Clone(want)}
}

func mustMembers(fn string, want []ErrorMatcher) {
	if len(want) == 0 {
		panic("testutil: " + fn + ": no matcher; a group holds at least one error")
	}
	mustMatcher(fn, want...)
}

type groupMatcher struct {
	nursery *string // its name, or nil: any group will do
	want    []ErrorMatcher
}

func (m groupMatcher) tree() tree {
	text := "Group"
	if m.nursery != nil {
		text = "Nursery(" + strconv.Quote(*m.nursery) + ")"
	}
	return tree{text, treesOf(m.want, ErrorMatcher.tree)}
}

func (m groupMatcher) match(err error) *mismatch {
	last := end(err)
	in := members(last)
	if len(in) == 0 {
		if len(m.want) == 1 && m.want[0].match(err) == nil {
			return no(0.5, errorTree(err).line()+" is no group, and matches what is wanted in one")
		}
		return no(1, errorTree(err).line()+" is no group")
	}
	miss := matchAll(in, m.want)
	if m.nursery != nil {
		g, ok := last.(*nursery.GroupError)
		switch {
		case ok && g.Nursery() == *m.nursery:
		case miss == nil:
			return no(0.5, groupTitle(last)+" is another group, and what is in it matches")
		default:
			return no(0.9, groupTitle(last)+" is another group")
		}
	}
	return miss
}

// matchAll matches each of errs with another one of want. It returns nil if that
// is possible with none left over on either side.
func matchAll(errs []error, want []ErrorMatcher) *mismatch {
	table := make([][]*mismatch, len(want)) // of each one wanted with each error
	for w, m := range want {
		for _, err := range errs {
			table[w] = append(table[w], m.match(err))
		}
	}
	taken := pair(table, len(errs))
	var missing, over []int
	for w := range want {
		if !slices.Contains(taken, w) {
			missing = append(missing, w)
		}
	}
	for e, w := range taken {
		if w < 0 {
			over = append(over, e)
		}
	}
	if len(missing)+len(over) == 0 {
		return nil
	}
	all := &mismatch{why: tree{text: fmt.Sprintf("of %d wanted %d missing, of %d errors %d left over", len(want), len(missing), len(errs), len(over))}}
	candidates := over
	if len(over) == 0 {
		for e := range errs {
			candidates = append(candidates, e)
		}
	}
	for _, w := range missing {
		text := want[w].tree().under("missing").line()
		far, near := 1.0, -1
		for _, e := range candidates {
			if miss := table[w][e]; near < 0 || distance(miss) < far {
				far, near = distance(miss), e
			}
		}
		all.far += far
		if near < 0 {
			all.why.below = append(all.why.below, tree{text: text})
			continue
		}
		why := tree{text: "a match, but it stands for another: " + want[max(0, taken[near])].tree().line()}
		if miss := table[w][near]; miss != nil {
			why = miss.why
		}
		nearest := tree{"nearest: " + errorTree(errs[near]).line(), []tree{why}}
		all.why.below = append(all.why.below, tree{text, []tree{nearest}})
	}
	for _, e := range over {
		all.why.below = append(all.why.below, tree{text: "left over: " + errorTree(errs[e]).line()})
	}
	all.far += float64(max(0, len(over)-len(missing)))
	all.far *= 0.9 / float64(max(len(want), len(errs))) // it is a group at least
	return all
}

// distance is how far an error is from what is wanted. One that matches, but is
// taken, is nearer than any other, and yet no match.
func distance(m *mismatch) float64 {
	if m == nil {
		return 0.1
	}
	return m.far
}

// pair finds a largest matching between those wanted and n errors, where a nil in
// table[w][e] says that w and e go together. It returns for each error the one
// wanted that it stands for, or -1.
//
// It looks for augmenting paths, as in H. W. Kuhn's Hungarian method: who finds all
// that would suit it taken asks those who have it to look for another one.
func pair(table [][]*mismatch, n int) []int {
	taken := slices.Repeat([]int{-1}, n)
	var seat func(w int, asked []bool) bool
	seat = func(w int, asked []bool) bool {
		for e, miss := range table[w] {
			if miss != nil || asked[e] {
				continue
			}
			asked[e] = true
			if taken[e] < 0 || seat(taken[e], asked) {
				taken[e] = w
				return true
			}
		}
		return false
	}
	for w := range table {
		seat(w, make([]bool, n))
	}
	return taken
}
