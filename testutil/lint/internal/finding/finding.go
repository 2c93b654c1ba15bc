// Package finding reports the findings of the analyzers. It leaves out generated files, in
// most cases test files, and lines that are excused by a comment
//
//	//grove:ok reason
//
// on the line or on the line above.
package finding

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

const excuse = "//grove:ok"

// Report reports d, even in test files.
func Report(pass *analysis.Pass, d analysis.Diagnostic) {
	file := fileOf(pass, d.Pos)
	if file == nil || ast.IsGenerated(file) {
		return
	}
	switch excused(pass.Fset, file, d.Pos) {
	case withReason:
		return
	case withoutReason:
		d.Message += " (" + excuse + " needs a reason)"
	}
	pass.Report(d)
}

// ReportCode reports d, except in test files.
func ReportCode(pass *analysis.Pass, d analysis.Diagnostic) {
	if !InTest(pass, d.Pos) {
		Report(pass, d)
	}
}

// InTest reports whether pos is in a test file.
func InTest(pass *analysis.Pass, pos token.Pos) bool {
	return strings.HasSuffix(pass.Fset.Position(pos).Filename, "_test.go")
}

func fileOf(pass *analysis.Pass, pos token.Pos) *ast.File {
	for _, f := range pass.Files {
		if f.FileStart <= pos && pos <= f.FileEnd {
			return f
		}
	}
	return nil
}

type verdict int

const (
	none verdict = iota
	withoutReason
	withReason
)

// excused looks for the comment on the line of pos and on the line above. A comment after
// code belongs to its own line alone.
func excused(fset *token.FileSet, file *ast.File, pos token.Pos) (v verdict) {
	line := fset.Position(pos).Line
	for _, group := range file.Comments {
		for _, c := range group.List {
			rest, ok := strings.CutPrefix(c.Text, excuse)
			if !ok || rest != "" && rest[0] != ' ' && rest[0] != '\t' {
				continue
			}
			at := fset.Position(c.Pos()).Line
			if at != line && (at != line-1 || behindCode(fset, file, c, at)) {
				continue
			}
			if strings.TrimSpace(rest) != "" {
				return withReason
			}
			v = withoutReason
		}
	}
	return v
}

// behindCode reports whether a comment follows code on its line.
func behindCode(fset *token.FileSet, file *ast.File, c *ast.Comment, line int) (found bool) {
	tokens := fset.File(file.FileStart)
	start := tokens.LineStart(line)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.CommentGroup, *ast.Comment:
			return false
		}
		if found || n.End() <= start || n.Pos() >= c.Pos() {
			return false
		}
		if n.Pos() >= start || n.End() <= c.Pos() {
			found = true // it begins or ends on the line, before the comment
			return false
		}
		return true
	})
	return found
}
