package golangci_test

import (
	"strings"
	"testing"

	"github.com/golangci/plugin-module-register/register"

	"github.com/grove-go/grove/testutil/lint"
	"github.com/grove-go/grove/testutil/lint/golangci"
)

func TestPlugin(t *testing.T) {
	newPlugin, err := register.GetPlugin("grovelint")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		settings any
		more     int // analyzers, beside those that run by default
		errgroup string
	}{
		{"none", nil, 0, "false"},
		{"errgroup", map[string]any{"errgroup": true}, 0, "true"},
		{"one on demand", map[string]any{"optin": []string{"spin"}}, 1, "false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := newPlugin(c.settings)
			if err != nil {
				t.Fatal(err)
			}
			if mode := p.GetLoadMode(); mode != register.LoadModeTypesInfo {
				t.Errorf("GetLoadMode() = %q, want %q", mode, register.LoadModeTypesInfo)
			}
			analyzers, err := p.BuildAnalyzers()
			if want := len(lint.Analyzers) + c.more; err != nil || len(analyzers) != want {
				t.Errorf("BuildAnalyzers() = %v, %v, want %d analyzers", analyzers, err, want)
			}
			if f := lint.Analyzers[0].Flags.Lookup("errgroup"); f.Value.String() != c.errgroup {
				t.Errorf("errgroup is %v, want %s", f.Value, c.errgroup)
			}
		})
	}
}

func TestBadSettings(t *testing.T) {
	for settings, want := range map[any]string{
		"errgroup": "grovelint: settings: ",
		struct {
			OptIn [1]string `json:"optin"`
		}{[1]string{"outerctx"}}: `grovelint: settings: optin: no analyzer "outerctx"`,
	} {
		if _, err := golangci.New(settings); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New(%v): error %v, want one with %q", settings, err, want)
		}
	}
}
