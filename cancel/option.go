package cancel

import "time"

// An Option configures a scope. See [Name], [Timeout], [Deadline] and
// [Shielded]. Of options that contradict each other the last one holds.
type Option interface{ applyScope(*config) }

// config gathers what the options say, so that they have effect together.
type config struct {
	name     string
	deadline time.Time
	timeout  time.Duration
	relative bool
	shielded bool
}

type (
	nameOption     string
	timeoutOption  time.Duration
	deadlineOption time.Time
	shieldedOption struct{}
)

func (o nameOption) applyScope(c *config)     { c.name = string(o) }
func (o timeoutOption) applyScope(c *config)  { c.timeout, c.relative = time.Duration(o), true }
func (o deadlineOption) applyScope(c *config) { c.deadline, c.relative = time.Time(o), false }
func (shieldedOption) applyScope(c *config)   { c.shielded = true }

// Name names a scope in errors and in [Scope.String]. The default is no name.
// Names need not be unique.
func Name(name string) Option { return nameOption(name) }

// Timeout gives a scope the deadline d from the moment when it is made. With a
// d of zero or less it is canceled from the start. The default is no deadline.
func Timeout(d time.Duration) Option { return timeoutOption(d) }

// Deadline gives a scope the deadline t. With a t in the past it is canceled
// from the start. The zero time stands for no deadline, which is the default.
func Deadline(t time.Time) Option { return deadlineOption(t) }

// Shielded makes a scope with its shield up. See [Scope.SetShield].
func Shielded() Option { return shieldedOption{} }

func (s *Scope) configure(opts []Option) {
	var c config
	for _, o := range opts {
		if o == nil {
			panic("cancel: New: nil option")
		}
		o.applyScope(&c)
	}
	s.name = c.name
	s.shield.Store(c.shielded)
	if c.relative {
		s.moveBy(c.timeout)
	} else if !c.deadline.IsZero() {
		s.moveTo(c.deadline)
	}
}
