// Package golangci makes the analyzers a module plugin for golangci-lint, which
// "golangci-lint custom" builds in. It has a module of its own because of its dependencies.
package golangci

import (
	"fmt"
	"slices"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"

	"github.com/grove-go/grove/testutil/lint"
)

func init() { register.Plugin("grovelint", New) } // golangci-lint finds plugins only by registration

// Settings are the settings of the linter grovelint in .golangci.yml.
type Settings struct {
	// Errgroup adds checks of uses of errgroup.Group.
	Errgroup bool `json:"errgroup"`
	// OptIn names analyzers that do not run by default.
	OptIn []string `json:"optin"`
}

// New returns the plugin for settings as golangci-lint passes them. It returns an error if
// they are not [Settings], or name an unknown analyzer.
func New(settings any) (register.LinterPlugin, error) {
	s, err := register.DecodeSettings[Settings](settings)
	if err != nil {
		return nil, fmt.Errorf("grovelint: settings: %w", err)
	}
	p := &plugin{analyzers: slices.Clone(lint.Analyzers)}
	for _, name := range s.OptIn {
		i := slices.IndexFunc(lint.OptIn, func(a *analysis.Analyzer) bool { return a.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("grovelint: settings: optin: no analyzer %q", name)
		}
		p.analyzers = append(p.analyzers, lint.OptIn[i])
	}
	if err := lint.Errgroup(fmt.Sprint(s.Errgroup)); err != nil {
		return nil, fmt.Errorf("grovelint: settings: errgroup: %w", err)
	}
	return p, nil
}

type plugin struct{ analyzers []*analysis.Analyzer }

// BuildAnalyzers implements [register.LinterPlugin].
func (p *plugin) BuildAnalyzers() ([]*analysis.Analyzer, error) { return p.analyzers, nil }

// GetLoadMode implements [register.LinterPlugin].
func (p *plugin) GetLoadMode() string { return register.LoadModeTypesInfo }
