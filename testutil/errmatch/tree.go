package errmatch

import (
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/grove-go/grove/nursery"
)

// A tree is a text with subtrees. Errors, matchers and mismatches are shown as trees.
type tree struct {
	text  string
	below []tree
}

// String returns the tree with one text per line.
func (t tree) String() string {
	var b strings.Builder
	t.write(&b, "")
	return strings.TrimSuffix(b.String(), "\n")
}

// write writes the tree. The caller has written the beginning of its first line; write
// begins further lines with indent.
func (t tree) write(b *strings.Builder, indent string) {
	b.WriteString(t.text + "\n")
	for i, c := range t.below {
		branch, more := "├── ", "│   "
		if i == len(t.below)-1 {
			branch, more = "└── ", "    "
		}
		b.WriteString(indent + branch)
		c.write(b, indent+more)
	}
}

// line returns the tree as one line.
func (t tree) line() string {
	if len(t.below) == 0 {
		return t.text
	}
	all := make([]string, len(t.below))
	for i, c := range t.below {
		all[i] = c.line()
	}
	return t.text + " {" + strings.Join(all, "; ") + "}"
}

// under returns t with a text before its first line.
func (t tree) under(text string) tree { return tree{text + ": " + t.text, t.below} }

// errorTree returns err as a tree, without the stacks of panics.
func errorTree(err error) tree {
	switch e := err.(type) {
	case nil:
		return tree{text: "<nil>"}
	case *nursery.TaskError:
		return errorTree(e.Err).under("task " + strconv.Quote(e.Task))
	case *nursery.ItemError:
		return errorTree(e.Err).under(fmt.Sprintf("item %d", e.Item))
	case *nursery.PanicError:
		return tree{"panic " + show(e.Value), treesOf(e.Others, errorTree)}
	}
	if in := members(err); len(in) > 0 {
		return tree{groupTitle(err), treesOf(in, errorTree)}
	}
	if w, ok := err.(interface{ Unwrap() error }); ok && !plain(w.Unwrap()) {
		return errorTree(w.Unwrap()).under(fmt.Sprintf("%T", err)) // its own text would repeat the subtree
	}
	return tree{text: strings.ReplaceAll(err.Error(), "\n", "; ")}
}

// plain reports whether the chain of err is free of task names, panics and groups.
func plain(err error) bool {
	for e := range chain(err) {
		switch e.(type) {
		case *nursery.TaskError, *nursery.ItemError, *nursery.PanicError:
			return false
		}
		if len(members(e)) > 0 {
			return false
		}
	}
	return true
}

// groupTitle returns, for example, nursery "crawl": 2 failures.
func groupTitle(group error) string {
	n := len(members(group))
	g, ok := group.(*nursery.GroupError)
	if !ok {
		return fmt.Sprintf("%T of %d", group, n)
	}
	title := strconv.Itoa(n) + " failures"
	if n == 1 {
		title = "1 failure"
	}
	if g.Nursery() != "" {
		title = "nursery " + strconv.Quote(g.Nursery()) + ": " + title
	}
	return title
}

// show returns the value of a panic as text.
func show(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v)
	case error:
		return errorTree(v).line()
	}
	return fmt.Sprintf("%v (%T)", v, v)
}

func treesOf[T any](all []T, of func(T) tree) []tree {
	trees := make([]tree, len(all))
	for i, x := range all {
		trees[i] = of(x)
	}
	return trees
}

// chain returns an iterator over err and the errors it wraps. The last one yielded is a
// group, a panic or a leaf.
func chain(err error) iter.Seq[error] {
	return func(yield func(error) bool) {
		for err != nil && yield(err) {
			wrapper, ok := err.(interface{ Unwrap() error })
			if !ok {
				return
			}
			err = wrapper.Unwrap()
		}
	}
}

// end returns the last error of the chain of err.
func end(err error) error {
	for e := range chain(err) {
		err = e
	}
	return err
}

// members returns the errors in err that are not nil, if err has the method Unwrap()
// []error. An error with members is a group.
func members(err error) []error {
	group, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var in []error
	for _, e := range group.Unwrap() {
		if e != nil {
			in = append(in, e)
		}
	}
	return in
}
