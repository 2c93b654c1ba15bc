package docs

import "testing"

func TestExported(t *testing.T) {
	exported := Exported(t, map[string]string{
		"nursery": "github.com/grove-go/grove/nursery",
		"http":    "net/http",
	})
	for _, c := range []struct {
		pkg, name string
		want      bool
	}{
		{"nursery", "Run", true},
		{"nursery", "Nursery.Go", true},
		{"nursery", "Task.Wait", true},          // of a type with a parameter
		{"nursery", "Shared.Do", true},          // of a type with two
		{"nursery", "PanicError.Value", true},   // a field
		{"nursery", "ErrNotStarted", true},      // a variable
		{"http", "StatusTeapot", true},          // a constant
		{"http", "ResponseWriter.Header", true}, // of an interface
		{"nursery", "Nursery.Wait", false},
		{"nursery", "TestRun", false},
		{"http", "Run", false},
	} {
		if got := exported[c.pkg][c.name]; got != c.want {
			t.Errorf("Exported()[%q][%q] = %t, want %t", c.pkg, c.name, got, c.want)
		}
	}
}
