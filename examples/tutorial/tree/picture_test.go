package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/grove-go/grove/examples/internal/docs"
)

// TestPicture checks that the pictures in the documents, which are text, have the
// nurseries and tasks of main.go, and the errors and cancellations of what it prints.
func TestPicture(t *testing.T) {
	printed := docs.Print(t, func() { synctest.Test(t, func(*testing.T) { main() }) })
	tree := treeOf(t, "main.go")
	if len(tree) != 7 {
		t.Fatalf("main.go has the nurseries and tasks %v, want 7", tree)
	}
	var want []string
	for name, n := range tree {
		line := regexp.MustCompile(`(?m)^[ │├└─]*` + n.kind + ` "` + name + `"|: ` + n.kind + ` "` + name + `": `)
		failed := line.MatchString(after(printed, `nursery "build": `))
		stopped := strings.Contains(printed, name+": stopped by ")
		label := n.kind + ` "` + name + `"`
		switch {
		case n.kind == "nursery":
		case failed && stopped:
			label += ": is stopped, and fails"
		case failed:
			label += ": fails"
		case stopped:
			label += ": is stopped"
		default:
			label += ": is done"
		}
		want = append(want, label)
		if n.parent == "" {
			continue
		}
		if failed {
			want = append(want, name+" error to "+n.parent)
		}
		if stopped {
			want = append(want, n.parent+" cancels "+name)
		}
		if !failed && !stopped {
			want = append(want, n.parent+" has "+name)
		}
	}
	slices.Sort(want)
	for _, document := range []string{"../../../docs/tutorial.md"} {
		if got := pictured(t, document); !slices.Equal(got, want) {
			t.Errorf("the picture in %s shows\n\t%s\nwant\n\t%s", document, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

// after returns s from the first separator on.
func after(s, separator string) string {
	_, rest, _ := strings.Cut(s, separator)
	return separator + rest
}

// A node is a nursery or a task.
type node struct{ kind, parent string }

// treeOf returns the nurseries and tasks that main starts, by their names.
func treeOf(t *testing.T, file string) map[string]node {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]ast.Node{}
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok {
			bodies[f.Name.Name] = f.Body
		}
	}
	tree := map[string]node{}
	var walk func(n ast.Node, parent string)
	walk = func(n ast.Node, parent string) {
		ast.Inspect(n, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			kind, code := "", 0 // code: the argument that runs
			switch f, _ := call.Fun.(*ast.SelectorExpr); {
			case f == nil:
				return true
			case f.Sel.Name == "Run":
				kind, code = "nursery", 1
			case f.Sel.Name == "Go":
				kind = "task"
			default:
				return true
			}
			name := nameIn(t, call.Args[code+1:])
			tree[name] = node{kind, parent}
			if f, ok := call.Args[code].(*ast.Ident); ok {
				walk(bodies[f.Name], name)
			} else {
				walk(call.Args[code], name)
			}
			return false
		})
	}
	walk(bodies["main"], "")
	return tree
}

// nameIn returns the name that the options give.
func nameIn(t *testing.T, options []ast.Expr) string {
	for _, o := range options {
		call, ok := o.(*ast.CallExpr)
		if !ok {
			continue
		}
		if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "Name" {
			continue
		}
		name, err := strconv.Unquote(call.Args[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		return name
	}
	t.Fatal("a nursery or task without a name")
	return ""
}

var (
	pictureNode = regexp.MustCompile(`^(\w+)(?:\(\["([^"]+)"\]\)|\["([^"]+)"\])$`)
	pictureEdge = regexp.MustCompile(`^(\w+) (---|===|-\.->)(?:\|"(.+)"\|)? (\w+)$`)
	label       = regexp.MustCompile(`^(↑ )?(\d+): (.*)$`)
)

// pictured returns what the picture in a document shows, sorted. The events must be
// numbered from 1.
func pictured(t *testing.T, document string) (shown []string) {
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, picture, found := strings.Cut(string(b), "```mermaid\nflowchart TD\n")
	picture, _, closed := strings.Cut(picture, "```\n")
	if !found || !closed {
		t.Fatalf("%s has no picture", document)
	}
	numbers := map[string]string{}
	events := 0
	for l := range strings.Lines(picture) {
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		if m := pictureNode.FindStringSubmatch(l); m != nil {
			name := strings.ReplaceAll(m[2]+m[3], "#quot;", `"`)
			if !strings.Contains(name, ` "`+m[1]+`"`) || strings.HasPrefix(name, "nursery") != (m[2] != "") {
				t.Errorf("%s: the label or the form is wrong for %s: %s", document, m[1], l)
			}
			shown = append(shown, name)
			continue
		}
		m := pictureEdge.FindStringSubmatch(l)
		if m == nil {
			t.Fatalf("%s: a line of the picture that this test does not know: %s", document, l)
		}
		from, arrow, text, to := m[1], m[2], label.FindStringSubmatch(m[3]), m[4]
		switch {
		case arrow == "---" && text == nil:
			shown = append(shown, from+" has "+to)
			continue
		case arrow == "===" && text != nil && text[1] != "":
			shown = append(shown, to+" error to "+from)
		case arrow == "-.->" && text != nil && text[1] == "" && text[3] == "cancellation":
			shown = append(shown, from+" cancels "+to)
		default:
			t.Errorf("%s: the arrow does not fit its text: %s", document, l)
		}
		events++
		numbers[text[2]] = l
	}
	for i := range events {
		if numbers[fmt.Sprint(i+1)] == "" {
			t.Errorf("%s: the events have the numbers %v, want 1 to %d", document, slices.Sorted(maps.Keys(numbers)), events)
		}
	}
	slices.Sort(shown)
	return shown
}
