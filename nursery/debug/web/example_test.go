package web_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
	"github.com/grove-go/grove/nursery/debug/web"
)

// get returns the answer to a request as curl sends it.
func get(h http.Handler, address string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", address, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

func Example() {
	mux := http.NewServeMux()
	mux.Handle("/debug/tasks/", web.Handler())

	err := nursery.Run(context.Background(), func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(cancel.Forever, nursery.Name("work"))
		n.Cancel(nil)
		fmt.Println(strings.Contains(get(mux, "/debug/tasks/"), "\nprogram  "))
		return nil
	}, nursery.Name("program"))
	if err != nil {
		fmt.Println(err)
	}
	// Output: true
}

func ExampleHandler() {
	h := web.Handler()
	fmt.Print("nothing is wrong: ", get(h, "/?warnings=1") == "", "\n")
	fmt.Print(get(h, "/?format=xml"))
	// Output:
	// nothing is wrong: true
	// format: want text, json or html, got "xml"
}

func ExampleOption() {
	opts := []web.Option{web.Redact(strings.ToUpper), web.Take(debug.MaxGoroutines(1000))}
	fmt.Println(len(get(web.Handler(opts...), "/")) > 0)
	// Output: true
}

func ExampleRedact() {
	hide := strings.NewReplacer("alice", "…").Replace
	h := web.Handler(web.Redact(hide))
	_ = nursery.Run(context.Background(), func(context.Context, *nursery.Nursery) error {
		fmt.Println(strings.Contains(get(h, "/?format=json"), `"name":"mail of …"`))
		return nil
	}, nursery.Name("mail of alice"))
	// Output: true
}

func ExampleTake() {
	h := web.Handler(web.Take(debug.NoStacks()))
	fmt.Println(strings.Contains(get(h, "/"), "stacks: not asked for"))
	// Output: true
}
