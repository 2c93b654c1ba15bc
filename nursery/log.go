package nursery

import (
	"log/slog"
	"strconv"
)

// maxLogged bounds how many failures of a group are logged each by itself.
const maxLogged = 10

// LogValue implements [slog.LogValuer]: a group with the attributes msg, which is Error, the
// name of the nursery if it has one, and failures, which has the first ten failures by their
// numbers. Stacks are left out.
func (e *GroupError) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("msg", e.Error())}
	if e.name != "" {
		attrs = append(attrs, slog.String("nursery", e.name))
	}
	var failures []slog.Attr
	for i, err := range e.errs[:min(len(e.errs), maxLogged)] {
		failures = append(failures, slog.Attr{Key: strconv.Itoa(i), Value: logged(err)})
	}
	if more := len(e.errs) - maxLogged; more > 0 {
		failures = append(failures, slog.Int("more", more))
	}
	return slog.GroupValue(append(attrs, slog.Attr{Key: "failures", Value: slog.GroupValue(failures...)})...)
}

// LogValue implements [slog.LogValuer]: a group with the attributes task and err.
func (e *TaskError) LogValue() slog.Value {
	return slog.GroupValue(slog.String("task", e.Task), slog.Attr{Key: "err", Value: logged(e.Err)})
}

// LogValue implements [slog.LogValuer]: a group with the attributes item and err.
func (e *ItemError) LogValue() slog.Value {
	return slog.GroupValue(slog.Int("item", e.Item), slog.Attr{Key: "err", Value: logged(e.Err)})
}

// logged returns how an error inside another one is logged: as a group if it is a group
// itself, and as its message otherwise.
func logged(err error) slog.Value {
	switch e := err.(type) {
	case *GroupError:
		return e.LogValue()
	case *TaskError:
		return e.LogValue()
	case *ItemError:
		return e.LogValue()
	}
	return slog.StringValue(line(err))
}

var (
	_ slog.LogValuer = (*GroupError)(nil)
	_ slog.LogValuer = (*TaskError)(nil)
	_ slog.LogValuer = (*ItemError)(nil)
)
