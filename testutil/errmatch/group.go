package errmatch

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/grove-go/grove/nursery"
)

// Group matches a group if its errors and the matchers in want can be paired, in any
// order, with none left over on either side. A group is an error with the method Unwrap()
// []error, such as a [*nursery.GroupError] or the result of [errors.Join]. If an error
// matches several of want, Group finds a pairing that works for all.
//
// A single error is not a group. Nested groups are not flattened: a group within a group
// is matched by a Group in want. Group panics if want is empty or contains nil.
func Group(want ...Matcher) Matcher {
	mustMembers("Group", want)
	return groupMatcher{want: slices.Clone(want)}
}

// Nursery is like [Group], but matches only the [*nursery.GroupError] of the nursery with
// that name.
func Nursery(name string, want ...Matcher) Matcher {
	mustMembers("Nursery", want)
	return groupMatcher{&name, slices.Clone(want)}
}

func mustMembers(fn string, want []Matcher) {
	if len(want) == 0 {
		panic("errmatch: " + fn + ": no matcher; a group holds at least one error")
	}
	mustMatcher(fn, want...)
}

type groupMatcher struct {
	nursery *string // its name, or nil for any group
	want    []Matcher
}

func (m groupMatcher) tree() tree {
	text := "Group"
	if m.nursery != nil {
		text = "Nursery(" + strconv.Quote(*m.nursery) + ")"
	}
	return tree{text, treesOf(m.want, Matcher.tree)}
}

func (m groupMatcher) match(err error) *mismatch {
	last := end(err)
	in := members(last)
	if len(in) == 0 {
		if len(m.want) == 1 && m.want[0].match(err) == nil {
			return no(0.5, errorTree(err).line()+" is not a group, but matches the error wanted in one")
		}
		return no(1, errorTree(err).line()+" is not a group")
	}
	miss := matchAll(in, m.want)
	if m.nursery != nil {
		g, ok := last.(*nursery.GroupError)
		switch {
		case ok && g.Nursery() == *m.nursery:
		case miss == nil:
			return no(0.5, groupTitle(last)+" is a different group, but its errors match")
		default:
			return no(0.9, groupTitle(last)+" is a different group")
		}
	}
	return miss
}

// matchAll pairs errs with want. It returns nil if that is possible with none left over
// on either side.
func matchAll(errs []error, want []Matcher) *mismatch {
	table := make([][]*mismatch, len(want)) // by index into want, then errs
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
	all := &mismatch{why: tree{text: fmt.Sprintf("%d of %d wanted missing, %d of %d errors left over", len(missing), len(want), len(over), len(errs))}}
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
		why := tree{text: "matches, but is paired with another: " + want[max(0, taken[near])].tree().line()}
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
	all.far *= 0.9 / float64(max(len(want), len(errs))) // less than 1: err is at least a group
	return all
}

// distance returns the distance of an error from a matcher. An error that matches but is
// paired with another matcher is nearer than any mismatch, but not at 0.
func distance(m *mismatch) float64 {
	if m == nil {
		return 0.1
	}
	return m.far
}

// pair finds a maximum matching between the matchers and n errors. A nil in table[w][e]
// says that matcher w matches error e. For each error, pair returns the matcher paired
// with it, or -1.
//
// It looks for augmenting paths, as in H. W. Kuhn's Hungarian method: if all errors that
// match are taken, their matchers are asked to find another one.
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
