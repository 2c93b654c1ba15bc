package debug

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/grove-go/grove/internal/stacks"
)

// A TextOption configures [Snapshot.WriteText]. See [Width] and [Depth].
type TextOption interface{ applyText(t *texter) }

type textOption func(t *texter)

func (o textOption) applyText(t *texter) { o(t) }

// Width cuts lines off after n characters. An ellipsis takes the place of the last one. The
// default is to write lines of any length.
//
// Width panics if n is not positive.
func Width(n int) TextOption {
	if n < 1 {
		panic(fmt.Sprintf("debug: Width: n must be positive, got %d", n))
	}
	return textOption(func(t *texter) { t.width = n })
}

// Depth sets how many nurseries deep the text goes. Nurseries below are counted. The default
// is 64.
//
// Depth panics if n is not positive.
func Depth(n int) TextOption {
	if n < 1 {
		panic(fmt.Sprintf("debug: Depth: n must be positive, got %d", n))
	}
	return textOption(func(t *texter) { t.depth = n })
}

// WriteText writes the snapshot as a tree, with a line for each nursery and each task.
// Names that contain quotes or characters that do not print are quoted. It returns the
// error of w. It panics if an option is nil.
func (s *Snapshot) WriteText(w io.Writer, opts ...TextOption) error {
	t := newTexter(w)
	for _, o := range opts {
		if o == nil {
			panic("debug: Snapshot.WriteText: nil option")
		}
		o.applyText(t)
	}
	if t.width > 0 {
		t.w = bufio.NewWriter(&narrow{w: w, width: t.width})
	}
	t.head(s)
	t.tree(s)
	if len(s.Deadlines) > 0 {
		fmt.Fprintln(t.w, "\nnext deadlines:")
		for _, d := range s.Deadlines {
			fmt.Fprintf(t.w, "  in %s  %s\n", round(d.In), stacks.Quote(cmp.Or(d.Scope, d.Owner, "a scope")))
		}
	}
	if len(s.Others) > 0 {
		fmt.Fprintln(t.w, "\ngoroutines that work for no nursery:")
		for _, g := range s.Others {
			t.group(g)
		}
		if s.More > 0 {
			fmt.Fprintf(t.w, "  and %d more lines\n", s.More)
		}
	}
	if len(s.Profile) > 0 {
		fmt.Fprintln(t.w, "\nall goroutines:")
		for _, g := range s.Profile {
			t.group(g)
		}
		if s.MoreStacks > 0 {
			fmt.Fprintf(t.w, "  and %d more lines\n", s.MoreStacks)
		}
	}
	return t.w.Flush()
}

// treeText returns the warnings and the tree.
func (s *Snapshot) treeText() string {
	var b strings.Builder
	t := newTexter(&b)
	t.tree(s)
	_ = t.w.Flush() // writes to a strings.Builder cannot fail
	return b.String()
}

// A texter writes a tree.
type texter struct {
	w     *bufio.Writer
	width int // of a line, or 0
	depth int // nurseries in each other
}

func newTexter(w io.Writer) *texter { return &texter{w: bufio.NewWriter(w), depth: 64} }

// A narrow cuts off the lines that it writes to w.
type narrow struct {
	w     io.Writer
	width int
	line  []byte // the part of the last line that has come, in UTF-8
}

func (n *narrow) Write(text []byte) (int, error) {
	n.line = append(n.line, text...)
	for {
		end := bytes.IndexByte(n.line, '\n')
		if end < 0 {
			return len(text), nil
		}
		line := n.line[:end+1]
		n.line = n.line[end+1:]
		if utf8.RuneCount(line)-1 > n.width {
			runes := []rune(string(line))
			line = []byte(string(runes[:n.width-1]) + "…\n")
		}
		if _, err := n.w.Write(line); err != nil {
			return 0, err
		}
	}
}

// tree writes the warnings and the tree.
func (t *texter) tree(s *Snapshot) {
	for _, w := range s.Warnings {
		fmt.Fprintf(t.w, "WARN %-12s %s %s: %s%s\n", w.Code, w.Node, stacks.Quote(w.Name), printable(w.Text), at("  ", w.At))
	}
	if s.MoreWarned > 0 {
		fmt.Fprintf(t.w, "and %d more warnings\n", s.MoreWarned)
	}
	if len(s.Warnings) > 0 {
		fmt.Fprintln(t.w)
	}
	for _, n := range s.Roots {
		t.nursery("", "", n, 1)
	}
}

func (t *texter) head(s *Snapshot) {
	fmt.Fprint(t.w, printable(s.Program))
	if s.PID != 0 {
		fmt.Fprintf(t.w, " (pid %d, %s)", s.PID, s.Go)
	}
	if s.Time != nil {
		fmt.Fprintf(t.w, "  %s", s.Time.Format(time.RFC3339))
	}
	c := s.Counts
	notBegun := ""
	if c.NotBegun > 0 {
		notBegun = fmt.Sprintf(" · %d not begun", c.NotBegun)
	}
	fmt.Fprintf(t.w, "\n%s · %s%s · %d queued · %d canceled · %s, %d of them outside", plural2(c.Nurseries, "nursery", "nurseries"), plural(c.Tasks, "task"), notBegun, c.Queued, c.Canceled, plural(s.Goroutines, "goroutine"), c.Outside)
	if s.Stacks != "all" {
		fmt.Fprintf(t.w, " · stacks: %s", s.Stacks)
	}
	fmt.Fprint(t.w, "\n\n")
}

// group writes the line of goroutines that are alike.
func (t *texter) group(g *Group) {
	t.line("  ", strconv.Itoa(g.Count), g.State, at("", g.At), label(g.Label))
}

// label returns a label in braces, or "".
func label(label string) string {
	if label == "" {
		return ""
	}
	return "{" + stacks.Quote(label) + "}"
}

// plural2 is plural for a noun with a plural of its own.
func plural2(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// line writes a line of the columns that are not empty.
func (t *texter) line(branch string, columns ...string) {
	fmt.Fprint(t.w, branch)
	sep := ""
	for _, c := range columns {
		if c != "" {
			fmt.Fprint(t.w, sep, c)
			sep = "  "
		}
	}
	fmt.Fprintln(t.w)
}

// nursery writes a nursery and what is below it. The branch leads to its line, and indent
// to the lines below. The depth of a root is 1.
func (t *texter) nursery(branch, indent string, n *Nursery, depth int) {
	name := stacks.Quote(n.Name)
	if n.Name == "" {
		name = "nursery"
	}
	columns := []string{name, at("", n.Place)}
	if n.Unregistered {
		columns = append(columns, "open before the registry was on")
	}
	if n.Opened != nil {
		columns = append(columns, "open "+round(n.Age))
	}
	columns = append(columns, n.Options...)
	if s := n.Stats; s != nil {
		counts := fmt.Sprintf("%d running", s.Running)
		if s.Queued > 0 {
			counts += fmt.Sprintf(", %d queued", s.Queued)
		}
		counts += fmt.Sprintf(", %d done", s.Finished)
		if s.Failed > 0 {
			counts += fmt.Sprintf(", %d FAILED", s.Failed)
		}
		columns = append(columns, counts)
		if n.Phase != "open" {
			columns = append(columns, n.Phase)
		}
	}
	if n.Panicking {
		columns = append(columns, "PANICKING")
	}
	columns = append(columns, scopes(n.Scope)...)
	body := n.Body
	if body != nil && strings.HasPrefix(body.WaitsFor, "its tasks (") {
		body = nil // there is nothing else to say of it
		if n.Stats == nil {
			columns = append(columns, label(n.Body.Label))
		}
	}
	t.line(branch, columns...)
	var children []func(branch, indent string)
	if body != nil {
		children = append(children, func(branch, indent string) { t.task(branch, indent, n, body, "body", depth) })
	}
	for _, task := range n.Tasks {
		children = append(children, func(branch, indent string) {
			t.task(branch, indent, n, task, cmp.Or(task.Name, task.Function, "a task"), depth)
		})
	}
	if n.More > 0 {
		children = append(children, func(branch, _ string) { t.line(branch, fmt.Sprintf("and %d more lines", n.More)) })
	}
	t.children(indent, children)
}

// children writes what is below a line.
func (t *texter) children(indent string, children []func(branch, indent string)) {
	for i, write := range children {
		if i == len(children)-1 {
			write(indent+"└─ ", indent+"   ")
		} else {
			write(indent+"├─ ", indent+"│  ")
		}
	}
}

// task writes a task or a body of the nursery n and what is below it. The label is of the
// innermost nursery, and says nothing new of a task in the registry.
func (t *texter) task(branch, indent string, n *Nursery, task *Task, name string, depth int) {
	name = stacks.Quote(name)
	if task.Fold > 1 {
		name += fmt.Sprintf(" ×%d", task.Fold)
	}
	columns := []string{name, task.ID}
	if task.Age > 0 {
		columns = append(columns, round(task.Age))
	}
	if task.Daemon {
		columns = append(columns, "daemon")
	}
	waits := task.WaitsFor
	if task.On != "" {
		waits += " on " + task.On
	}
	columns = append(columns, waits)
	if task.Blocked > 0 {
		columns = append(columns, "for "+plural(task.Blocked, "minute"))
	}
	if len(task.Nurseries) == 0 {
		columns = append(columns, at("", task.At))
		if n.Stats == nil {
			columns = append(columns, label(task.Label))
		}
	}
	columns = append(columns, scopes(task.Scopes...)...)
	t.line(branch, columns...)
	var children []func(branch, indent string)
	deeper := task.Deeper
	if depth < t.depth {
		for _, n := range task.Nurseries {
			children = append(children, func(branch, indent string) { t.nursery(branch, indent, n, depth+1) })
		}
	} else {
		deeper += size(task.Nurseries)
	}
	if deeper > 0 {
		children = append(children, func(branch, _ string) {
			t.line(branch, "and "+plural2(deeper, "nursery", "nurseries")+" below")
		})
	}
	bare := "BARE GO"
	if task.Worker {
		bare += " by this worker"
	}
	for _, g := range task.Escaped {
		children = append(children, func(branch, _ string) {
			t.line(branch, fmt.Sprintf("+ %s", goroutines(g)), g.State, at("", g.At), bare+at(" ", g.Creator))
		})
	}
	t.children(indent, children)
}

// scopes returns what scopes have to say.
func scopes(scopes ...*Scope) (notes []string) {
	for _, s := range scopes {
		if s == nil {
			continue
		}
		var parts []string
		if s.Own && s.Canceled == nil {
			parts = append(parts, "deadline in "+round(s.Left))
		}
		if s.Shielded {
			parts = append(parts, "shielded")
		}
		if s.Stopping && s.Canceled == nil {
			parts = append(parts, "STOPPING")
			if s.Grace > 0 {
				parts = append(parts, "grace of "+round(s.Grace))
			}
		}
		if len(parts) > 0 {
			notes = append(notes, "["+strings.Join(parts, " · ")+"]")
		}
		if c := s.Canceled; c != nil {
			ago := ""
			if c.Ago > 0 {
				ago = round(c.Ago) + " ago "
			}
			notes = append(notes, "CANCELED "+ago+"("+printable(c.Reason)+")")
		}
	}
	return notes
}

// at returns the file and line of a place after sep, or "".
func at(sep string, p *Place) string {
	if p == nil || p.File == "" {
		return ""
	}
	return sep + printable(stacks.Frame{File: p.File, Line: p.Line}.Place())
}

// printable returns a text with the characters escaped that do not print.
func printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, stacks.Unprintable) {
		return text
	}
	var b strings.Builder
	for i, r := range text {
		_, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && size == 1: // a byte that is not UTF-8; some are controls of a terminal
			fmt.Fprintf(&b, `\x%02x`, text[i])
		case stacks.Unprintable(r):
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
