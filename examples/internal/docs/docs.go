// Package docs checks the Go code in documents: it is compiled and tested code.
package docs

import (
	"errors"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Blocks fails the test unless each block of Go in a document also stands in one of the
// files that match the patterns, apart from its indentation. A block begins with a line
// ```go and ends with the next ```. It must be complete: a file, declarations, or
// statements, and not the beginning of a function alone. Blocks returns the blocks in the
// order of the document. A document without blocks fails the test, and so does a pattern
// without files.
//
// The go command caches the results of tests and does not see changes of documents outside
// the module. Run the test with -count=1 after a change of a document.
func Blocks(t testing.TB, document string, patterns ...string) []string {
	t.Helper()
	sources := map[string]string{}
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		if err != nil {
			t.Fatalf("docs: pattern %q: %v", p, err)
		}
		if len(files) == 0 {
			t.Fatalf("docs: no file matches %q", p)
		}
		for _, f := range files {
			sources[f] = unindent(read(t, f))
		}
	}
	blocks := cut(read(t, document))
	if len(blocks) == 0 {
		t.Fatalf("docs: %s has no block of Go", document)
	}
block:
	for _, b := range blocks {
		if err := complete(b); err != nil {
			t.Errorf("%s has code that is not complete (%v):\n%s", filepath.Base(document), err, b)
		}
		for _, s := range sources {
			if strings.Contains(s, unindent(b)) {
				continue block
			}
		}
		t.Errorf("%s has code that stands in no file of %s:\n%s",
			filepath.Base(document), strings.Join(patterns, ", "), b)
	}
	return blocks
}

// complete returns an error unless the code is a file, declarations, or statements.
func complete(code string) error {
	if _, err := parser.ParseFile(token.NewFileSet(), "", code, 0); err == nil {
		return nil
	}
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+code, 0); err == nil {
		return nil
	}
	f, err := parser.ParseFile(token.NewFileSet(), "", "package p; func _() {\n"+code+"\n}", 0)
	if err == nil && len(f.Decls) > 1 {
		return errors.New("it has the end of a function and the beginning of another one")
	}
	return err
}

// cut returns the blocks of Go in a document.
func cut(document string) []string {
	const fence = "```"
	var blocks []string
	var block *strings.Builder // nil outside a block of Go
	for l := range strings.Lines(document) {
		switch mark := strings.TrimSpace(l); {
		case block == nil && mark == fence+"go":
			block = new(strings.Builder)
		case block != nil && mark == fence:
			blocks = append(blocks, block.String())
			block = nil
		case block != nil:
			block.WriteString(l)
		}
	}
	if block != nil { // not closed: the rest of the document
		blocks = append(blocks, block.String())
	}
	return blocks
}

// unindent removes the indentation of each line, which differs between a document and a
// function. It also makes sure that a search for the code finds whole lines.
func unindent(code string) string {
	var b strings.Builder
	for l := range strings.Lines(code) {
		b.WriteString(strings.TrimLeft(l, " \t"))
	}
	return "\n" + strings.Trim(b.String(), "\n") + "\n"
}

func read(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
