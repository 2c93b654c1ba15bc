package echoes_test

import (
	"errors"

	crdb "github.com/cockroachdb/errors"
	goerrors "github.com/go-errors/errors"
	"github.com/joomcode/errorx"
	juju "github.com/juju/errors"
	pkgerrors "github.com/pkg/errors"
	"github.com/rotisserie/eris"
	"github.com/samber/oops"
	"golang.org/x/xerrors"
)

// wrappers are errors that wrap one, and may hold others in fields.
var wrappers = []row{
	{"cockroachdb, Wrap", wrap(func(c error) error { return crdb.Wrap(c, "fetch") }), true, isEcho},
	{"cockroachdb, hint and detail", wrap(func(c error) error {
		return crdb.WithDetail(crdb.WithHint(crdb.Wrapf(c, "fetch %d", 1), "wait"), "more")
	}), true, isEcho},
	{"cockroachdb, Mark", wrap(func(c error) error { return crdb.Mark(c, errors.New("sentinel")) }), true, isEcho},
	{"cockroachdb, CombineErrors", wrap(func(c error) error { return crdb.CombineErrors(c, errDisk) }), false, isReal},
	{"cockroachdb, WithSecondaryError", wrap(func(c error) error { return crdb.WithSecondaryError(c, errDisk) }), false, isReal},
	{"cockroachdb, secondary, wrapped", wrap(func(c error) error { return crdb.Wrap(crdb.WithSecondaryError(c, errDisk), "fetch") }), false, isReal},
	{"cockroachdb, secondary canceled", wrap(func(c error) error { return crdb.WithSecondaryError(c, c) }), true, isEcho},
	{"pkg/errors, Wrap", wrap(func(c error) error { return pkgerrors.Wrap(c, "fetch") }), true, isEcho},
	{"pkg/errors, WithStack", wrap(pkgerrors.WithStack), true, isEcho},
	{"pkg/errors, a real error as text", wrap(func(c error) error { return pkgerrors.Wrap(c, errDisk.Error()) }), true, isReal},
	{"xerrors", wrap(func(c error) error { return xerrors.Errorf("fetch: %w", c) }), true, isEcho},
	{"oops, Wrapf", wrap(func(c error) error { return oops.Code("x").In("db").Wrapf(c, "fetch") }), true, isEcho},
	{"oops, an error as value", wrap(func(c error) error { return oops.With("last", errDisk).Wrap(c) }), true, unknown},
	{"oops, Join", wrap(func(c error) error { return oops.Join(c, errDisk) }), false, isReal},
	{"juju, Trace", wrap(juju.Trace), true, isEcho},
	{"juju, Annotate", wrap(func(c error) error { return juju.Annotate(juju.Trace(c), "fetch") }), true, isEcho},
	{"juju, a real cause", wrap(func(c error) error { return juju.Wrap(c, errDisk) }), false, isReal},
	{"juju, a real error masked", wrap(func(c error) error { return juju.Wrap(errDisk, c) }), false, isReal},
	{"eris", wrap(func(c error) error { return eris.Wrap(c, "fetch") }), true, isEcho},
	{"errorx, Decorate", wrap(func(c error) error { return errorx.Decorate(c, "fetch") }), false, isEcho},
	{"errorx, underlying", wrap(func(c error) error {
		return errorx.IllegalState.New("fetch").WithUnderlyingErrors(c, errDisk)
	}), false, isReal},
	{"go-errors", wrap(func(c error) error { return goerrors.Wrap(c, 0) }), true, isEcho},
}
