package libraries_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/grove-go/grove/examples/internal/docs"
)

func TestDocument(t *testing.T) {
	const document, echoes, inNursery, inOtel = "../../../docs/libraries.md", "../../../internal/echoes/*_test.go", "../../../nursery/example*_test.go", "../../../nursery/otel/*_test.go"
	docs.Blocks(t, document, "*_test.go", echoes)
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	functions := map[string]bool{}
	for _, pattern := range []string{"*_test.go", echoes, inNursery, inOtel} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, f := range files {
			source, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`(?m)^func (\w+)\(`).FindAllSubmatch(source, -1) {
				functions[string(m[1])] = true
			}
		}
	}
	rows := regexp.MustCompile(`(?m)^\| .* \| ([^|]*) \|$`).FindAllSubmatch(text, -1)
	if len(rows) < 10 {
		t.Errorf("the table has %d rows", len(rows))
	}
	for _, row := range rows[2:] { // after the head
		named := regexp.MustCompile(`(Test|Example)\w+`).FindAll(row[1], -1)
		if len(named) == 0 {
			t.Errorf("no test in the row %s", row[0])
		}
		for _, n := range named {
			if !functions[string(n)] {
				t.Errorf("the test %s does not exist", n)
			}
		}
	}
}
