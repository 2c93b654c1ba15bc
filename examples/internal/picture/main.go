// Picture draws the picture of a tree of tasks that README.md shows, with Graphviz.
//
//	go run ./examples/internal/picture > docs/tree.svg
package main

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/goccy/go-graphviz"
)

//go:embed tree.dot
var tree []byte

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) (err error) {
	g, err := graphviz.New(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	graph, err := graphviz.ParseBytes(tree)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(out)
	if err := g.Render(ctx, graph, graphviz.SVG, w); err != nil {
		return err
	}
	return w.Flush()
}
