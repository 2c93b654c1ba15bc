package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/grove-go/grove/internal/test/docs"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// complete is a package with complete documentation, with the examples in completeTest. The
// cases change it.
const complete = `
	// Package p counts.
	//
	//	p.Count(1)
	//
	// # Counterparts
	//
	//	there  here
	package p

	// Count counts.
	//
	//	p.Count(2)
	func Count(n int) {}

	// A Counter counts. It prints
	//
	//	one
	//	two
	type Counter[T any] struct {
		// N is for [p.Count].
		N    int
		// hidden
		//
		//	p.Hidden()
		n int
	}

	// NewCounter returns a Counter.
	func NewCounter[T any]() *Counter[T] { return nil }

	// Add adds.
	func (c *Counter[T]) Add() {}

	// String describes it.
	func (c *Counter[T]) String() string { return "" }

	// Zero is nothing.
	const Zero = 0

	var (
		// Err is an error.
		Err error
	)

	// A Kind is a kind.
	type Kind int

	// First is a kind.
	const First Kind = 1

	// Last is a kind.
	var Last Kind

	func unexported() {}
`

const completeTest = `
	package p_test

	import (
		"p"
		r "q"
	)

	func Example() {
		p.Count(1)
		// Output:
	}

	func ExampleCount() {
		if true {
			p.Count(2)
		}
		// Output: 2
	}

	func ExampleCounter() {
		var c p.Counter[int]
		fmt.Println(c)
		// Output:
		// one
		// two
	}

	func ExampleNewCounter() {
		c := p.NewCounter[int]()
		c.Add()
		// Unordered output: 2
	}

	func ExampleKind() {
		fmt.Println(p.First)
		// Output: 1
	}

	func TestCount(t *testing.T) {
		p.Count(3)
	}
`

func TestMissing(t *testing.T) {
	const noCode = "p.Count: its comment has what stands in no example: "
	for _, c := range []struct {
		name    string
		changes []string // old, new, and so on
		inTests []string
		want    []string
	}{
		{"nothing", nil, nil, nil},
		{"a package without a program", []string{"//\n\t//\tp.Count(1)\n", ""}, nil, []string{"p: its comment has no program"}},
		{"a program that is another one", []string{"//\tp.Count(1)", "//\tp.Count(2)"}, nil,
			[]string{"p: the program in its comment stands in no example of the package"}},
		{"a program that does not run", []string{"p.Count(1)\n\t\t// Output:\n", "p.Count(1)\n"}, nil,
			[]string{"p: the program in its comment stands in no example of the package"}},
		{"a table that is none", []string{"Counterparts", "Counted"}, nil, []string{`p: its comment has what stands in no example: "there  here"...`}},
		{"a function without an example", []string{"ExampleCount()", "exampleCount()"}, nil,
			[]string{"p.Count: no example with output", noCode + `"p.Count(2)"...`}},
		{"an example of something else", []string{"ExampleCount()", "ExampleCounted()"}, nil, []string{"p.Count: no example with output"}},
		{"an example that does not run", []string{"// Output: 2", ""}, nil,
			[]string{"p.Count: no example with output", noCode + `"p.Count(2)"...`}},
		{"an example that does not call it", []string{"p.Count(2)\n\t\t}", "p.Counted(2)\n\t\t}"}, nil,
			[]string{"p.Count: its example does not call it", noCode + `"p.Count(2)"...`}},
		{"an example that calls a method of that name", []string{"p.Count(2)\n\t\t}", "c.Count(2)\n\t\t}"}, nil,
			[]string{"p.Count: its example does not call it", noCode + `"p.Count(2)"...`}},
		{"a type without an example", []string{"ExampleCounter()", "ExampleCount_other()"}, nil, []string{"p.Counter: no example with output"}},
		{"a constructor without an example", []string{"ExampleNewCounter()", "ExampleCounter_new()"}, nil, []string{"p.NewCounter: no example with output"}},
		{"a method without a call", []string{"c.Add()", "c.Plus()"}, nil, []string{"p.Counter.Add: no example of Counter calls it"}},
		{"a function of another package", []string{"p.Count(2)\n\t\t}", "r.Count(2)\n\t\t}"}, nil,
			[]string{"p.Count: its example does not call it", noCode + `"p.Count(2)"...`}},
		{"a function of another package in place of a method", []string{"c.Add()", "r.Add()"}, nil, []string{"p.Counter.Add: no example of Counter calls it"}},
		{"a function in place of a method", []string{"c.Add()", "p.Add()"}, nil, []string{"p.Counter.Add: no example of Counter calls it"}},
		{"a method in an example of its own", []string{"ExampleNewCounter()", "ExampleCounter_Add()"}, nil, []string{"p.NewCounter: no example with output"}},
		{"a method in no example of its own", []string{"ExampleNewCounter() {\n\t\tc :=", "ExampleNewCounter() {\n\t\tp.NewCounter[int]()\n\t\t// Output:\n\t}\n\tfunc ExampleCounter_String() {\n\t\tc :="}, nil,
			[]string{"p.Counter.String: its example does not call it"}},
		{"code in a comment that is another one", []string{"//\tp.Count(2)", "//\tp.Count(4)"}, nil, []string{noCode + `"p.Count(4)"...`}},
		{"half a line", []string{"//\tp.Count(2)", "//\tp.Count(2"}, nil, []string{noCode + `"p.Count(2"...`}},
		{"output that is another one", []string{"//\ttwo", "//\tthree"}, nil, []string{`p.Counter: its comment has what stands in no example: "one"...`}},
		{"code in the comment of a field", []string{"// N is for [p.Count].", "// N is none.\n\t\t//\n\t\t//\tp.Field()"}, nil,
			[]string{`p.Counter: its comment has what stands in no example: "p.Field()"...`}},
		{"code in the comment of a method", []string{"// Add adds.", "// Add adds.\n\t//\n\t//\tp.Method()"}, nil,
			[]string{`p.Counter.Add: its comment has what stands in no example: "p.Method()"...`}},
		{"code in the comment of a constant", []string{"// Zero is nothing.", "// Zero is nothing.\n\t//\n\t//\tp.Zero()"}, nil,
			[]string{`p.Zero: its comment has what stands in no example: "p.Zero()"...`}},
		{"code in the comment of a variable", []string{"// Err is an error.", "// Err is an error.\n\t\t//\n\t\t//\tp.Err()"}, nil,
			[]string{`p.Err: its comment has what stands in no example: "p.Err()"...`}},
		{"code in the comment of a constant of a type", []string{"// First is a kind.", "// First is a kind.\n\t//\n\t//\tp.First()"}, nil,
			[]string{`p.First: its comment has what stands in no example: "p.First()"...`}},
		{"code in the comment of a variable of a type", []string{"// Last is a kind.", "// Last is a kind.\n\t//\n\t//\tp.Last()"}, nil,
			[]string{`p.Last: its comment has what stands in no example: "p.Last()"...`}},
		{"code of a test, which does not count", []string{"//\tp.Count(2)", "//\tp.Count(3)"}, nil, []string{noCode + `"p.Count(3)"...`}},
		{"a test in place of an example", []string{"ExampleCount() {\n\t\tif true {\n\t\t\t", "TestCount2() {\n{\n"}, []string{"Count"}, nil},
		{"neither", []string{"ExampleCount()", "exampleCount()"}, []string{"Count"},
			[]string{noCode + `"p.Count(2)"...`, "p.Count: its comment shows no test that runs"}},
		{"a test though there is an example", []string{"//\tp.Count(2)", "//\tp.Count(3)"}, []string{"Count"},
			[]string{"p.Count: is named as one for tests, but has an example"}},
		{"a package for tests", []string{"Example() {", "TestPackage() {"}, []string{"p"}, nil},
		{"a package for tests with other code", []string{"Example() {", "TestPackage() {", "Counterparts", "Counted"}, []string{"p"},
			[]string{`p: its comment has what stands in no example: "there  here"...`}},
		{"a method in place of a test", []string{"func ExampleCount()", "func (s suite) TestCount2()"}, []string{"Count"},
			[]string{noCode + `"p.Count(2)"...`, "p.Count: its comment shows no test that runs"}},
		{"a type for tests", []string{"ExampleCounter() {", "TestCounter() {"}, []string{"Counter"},
			[]string{"p.Counter: its comment shows no test that runs", `p.Counter: its comment has what stands in no example: "one"...`}},
		{"a name that is none", nil, []string{"Sum"}, []string{"p.Sum: is named as one for tests, but does not exist"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, test := complete, completeTest
			for change := range slices.Chunk(c.changes, 2) {
				if !strings.Contains(p+test, change[0]) {
					t.Fatalf("no %q to replace", change[0])
				}
				p, test = strings.Replace(p, change[0], change[1], 1), strings.Replace(test, change[0], change[1], 1)
			}
			got, err := docs.Missing(write(t, map[string]string{"p.go": p, "p_test.go": test}), c.inTests...)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(c.want))) {
				t.Errorf("Missing() = %q, want %q", got, c.want)
			}
		})
	}
}

func TestMissingFails(t *testing.T) {
	if _, err := docs.Missing(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a folder that does not exist: no error")
	}
	if _, err := docs.Missing(write(t, map[string]string{"p.go": "package p\nfunc ("})); err == nil {
		t.Error("a file that cannot be parsed: no error")
	}
}

// write writes files into a new folder.
func write(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
