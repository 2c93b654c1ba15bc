package main

import (
	"context"
	"fmt"
	"log"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.opentelemetry.io/otel/trace"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

// A NewBook is the body of a request that adds a book.
type NewBook struct {
	Title  string `json:"title" minLength:"1" maxLength:"200" example:"Persuasion"`
	Author string `json:"author" minLength:"1" maxLength:"200" example:"Jane Austen"`
	Year   int    `json:"year" minimum:"1450" maximum:"2100" example:"1817"`
	Stock  int    `json:"stock" minimum:"0" maximum:"1000000" example:"5" doc:"How many copies there are"`
}

// A Book is a row of the catalogue.
type Book struct {
	ID int64 `json:"id" example:"1"`
	NewBook
}

// A Page is a book with its price and reviews.
type Page struct {
	Book
	Price   Price    `json:"price"`
	Reviews []Review `json:"reviews"`
	Missing []string `json:"missing,omitempty" doc:"What could not be had in time, and may be there next time"`
}

// A Price is the price of a copy.
type Price struct {
	Cents    int    `json:"cents" example:"950"`
	Currency string `json:"currency" example:"EUR"`
}

// A Review is a review by a reader.
type Review struct {
	Stars int    `json:"stars" minimum:"1" maximum:"5"`
	Text  string `json:"text"`
}

// An Order is an order of copies of a book.
type Order struct {
	ID       int64  `json:"id" example:"1"`
	Book     int64  `json:"book" example:"1"`
	Title    string `json:"title" example:"Emma"`
	Quantity int    `json:"quantity" example:"2"`
	Cents    int    `json:"cents" example:"1900" doc:"What all copies cost together"`
}

// ByID has the id in a path. It is exported because package huma ignores embedded fields of
// unexported types.
type ByID struct {
	ID int64 `path:"id" minimum:"1" example:"1" doc:"The id of the book"`
}

// A service is the API with the parts it needs. Its requests run as long as the nursery of
// its server.
type service struct {
	limits
	store   *store
	prices  *nursery.Shared[int64, Price]
	reviews *nursery.Shared[int64, []Review]
	mail    upstream
	limiter *nursery.Limiter
	later   *nursery.Nursery // for work after the answer
	log     *log.Logger
	tracer  trace.Tracer
}

// newService returns a service. Requests to upstreams are tasks of n, and so is work after
// an answer.
func newService(n *nursery.Nursery, l limits, s *store, u upstreams, logger *log.Logger, tracer trace.Tracer) *service {
	return &service{
		limits:  l,
		store:   s,
		prices:  nursery.NewShared(n, fetch[Price](u.prices)),
		reviews: nursery.NewShared(n, fetch[[]Review](u.reviews)),
		mail:    u.mail,
		limiter: nursery.NewLimiter(l.requests),
		later:   n,
		log:     logger,
		tracer:  tracer,
	}
}

// Limits of bodies in bytes: the longest valid body with each character written as two
// times \u1234.
const (
	maxBookBody  = 6 << 10
	maxOrderBody = 1 << 10
)

// handler returns the handler of the service, and its operations. A caller may add
// operations.
func (s *service) handler() (http.Handler, huma.API) {
	mux := http.NewServeMux()
	api := s.api(mux)
	return serve.SameSite(s.guard(mux)), api
}

// api returns the operations, with their documentation at /docs and /openapi.json.
func (s *service) api(mux *http.ServeMux) huma.API {
	config := huma.DefaultConfig("Books", "1.0.0")
	config.CreateHooks = nil // no "$schema" in each answer
	config.Transformers = append(config.Transformers, bounded)
	api := humago.New(mux, config)
	handle(api, s, huma.Operation{
		OperationID: "list-books", Method: http.MethodGet, Path: "/books",
		Summary: "List books", Errors: []int{503, 504},
	}, s.list)
	handle(api, s, huma.Operation{
		OperationID: "get-book", Method: http.MethodGet, Path: "/books/{id}",
		Summary: "Get a book with its price and reviews", Errors: []int{404, 502, 503, 504},
	}, s.book)
	handle(api, s, huma.Operation{
		OperationID: "add-book", Method: http.MethodPost, Path: "/books", DefaultStatus: http.StatusCreated,
		Summary: "Add a book", Errors: []int{408, 413, 422, 503, 504}, MaxBodyBytes: maxBookBody,
	}, s.add)
	handle(api, s, huma.Operation{
		OperationID: "order-book", Method: http.MethodPost, Path: "/books/{id}/orders", DefaultStatus: http.StatusCreated,
		Summary: "Order copies of a book", Errors: []int{404, 408, 409, 413, 422, 502, 503, 504}, MaxBodyBytes: maxOrderBody,
	}, s.order)
	return api
}

func (s *service) list(ctx context.Context, _ *nursery.Nursery, in *struct {
	Text  string `query:"q" maxLength:"100" doc:"Part of the title or the author"`
	After int64  `query:"after" minimum:"0" doc:"The last id of the page before"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
}) (*listed, error) {
	books, err := s.store.books(ctx, in.Text, in.After, in.Limit)
	return &listed{Body: books}, err
}

type listed struct{ Body []Book }

// book asks the database and two upstreams at the same time. The first failure ends the
// other tasks: if the book does not exist, the request does not wait for the price. Late or
// missing reviews do not fail the request. The spans of the tasks are below the span of the
// request.
func (s *service) book(_ context.Context, n *nursery.Nursery, in *ByID) (*found, error) {
	out := &found{Body: Page{Reviews: []Review{}}}
	s.spanned(n, "database", func(ctx context.Context) (err error) {
		out.Body.Book, err = s.store.book(ctx, in.ID)
		return err
	})
	s.spanned(n, "prices", func(ctx context.Context) (err error) {
		out.Body.Price, err = s.prices.Do(ctx, in.ID)
		return err
	})
	s.spanned(n, "reviews", func(ctx context.Context) error {
		var reviews []Review
		late, err := cancel.MoveOnAfter(ctx, s.patience, func(ctx context.Context) (err error) {
			reviews, err = s.reviews.Do(ctx, in.ID)
			return err
		})
		if late || err != nil {
			out.Body.Missing = []string{"reviews"}
			return cancel.Err(ctx) // nil unless the request was canceled
		}
		out.Body.Reviews = reviews
		return nil
	})
	return out, nil
}

type found struct{ Body Page }

// Retry has the header with which a client may repeat a request that changes data.
type Retry struct {
	Key string `header:"Idempotency-Key" maxLength:"64" example:"7c0b1b0e" doc:"A string that the client makes up for a request, and sends again with it. The request is carried out once."`
}

func (s *service) add(ctx context.Context, _ *nursery.Nursery, in *struct {
	Retry
	Body NewBook
}) (*added, error) {
	b, err := s.store.add(ctx, in.Key, in.Body)
	return &added{Location: fmt.Sprint("/books/", b.ID), Body: b}, err
}

type added struct {
	Location string `header:"Location"`
	Body     Book
}

// order takes an order, and has it confirmed after the answer. If an order with the same
// key was taken before, order returns that order.
func (s *service) order(ctx context.Context, n *nursery.Nursery, in *struct {
	ByID
	Retry
	Body struct {
		Quantity int `json:"quantity" minimum:"1" maximum:"100" example:"2"`
	}
}) (*ordered, error) {
	row := nursery.Spawn(n, withSpan(s, "database", func(ctx context.Context) (Book, error) {
		return s.store.book(ctx, in.ID)
	}), nursery.Name("database"))
	price, err := s.prices.Do(ctx, in.ID) // while the database is asked
	if err != nil {
		return nil, err
	}
	book, err := row.Wait(ctx)
	if err != nil {
		return nil, err
	}
	o, again, err := s.store.order(ctx, in.Key, Order{
		Book: in.ID, Title: book.Title, Quantity: in.Body.Quantity, Cents: in.Body.Quantity * price.Cents,
	})
	if err != nil {
		return nil, err
	}
	if !again {
		s.spanned(s.later, "confirmation", func(ctx context.Context) error { return s.confirm(ctx, o) }, nursery.Values(ctx))
	}
	return &ordered{Body: o}, nil
}

type ordered struct{ Body Order }

// confirm sends a confirmation to the customer. It is a task of the service and not of the
// request, so it goes on after the answer, and the service does not end before it. A
// failure does not end the service.
func (s *service) confirm(ctx context.Context, o Order) error {
	err := cancel.FailAfter(ctx, s.budget, func(ctx context.Context) error {
		return s.mail.call(ctx, http.MethodPost, o.ID, nil)
	})
	if err != nil {
		s.log.Printf("order %d is not confirmed: %v", o.ID, err)
		return cancel.Err(ctx) // nil unless the program is canceled
	}
	return nil
}
