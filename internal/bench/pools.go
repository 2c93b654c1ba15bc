package main

import (
	"errors"
	"sync"
	"time"

	"github.com/alitto/pond/v2"
	"github.com/panjf2000/ants/v2"
)

// pondPool starts a task for each item in a group of a pool of pond. Such pools are meant
// to live long, so the run uses one pool, and opening it costs nothing here.
func pondPool(j job) error {
	p := pond.NewPool(j.limit)
	defer p.StopAndWait()
	return repeat(func(j job) error {
		g := p.NewGroupContext(j.ctx)
		for i := range j.size {
			g.SubmitErr(func() error {
				j.do(i)
				return nil
			})
		}
		return g.Wait()
	})(j)
}

// pondMap collects results with a pool of pond.
func pondMap(j job) error {
	p := pond.NewResultPool[int](j.limit)
	defer p.StopAndWait()
	return repeat(func(j job) error {
		g := p.NewGroupContext(j.ctx)
		for i := range j.size {
			g.SubmitErr(func() (int, error) { return j.do(i), nil })
		}
		results, err := g.Wait()
		j.took(results)
		return err
	})(j)
}

// antsPool starts a task for each item in a pool of ants. The run uses one pool, as in
// pondPool.
func antsPool(j job) error {
	return withAnts(j, func(p *ants.Pool, j job) error {
		return antsGo(p, j, func(i int) { j.do(i) })
	})
}

// antsMap collects results with a pool of ants.
func antsMap(j job) error {
	return withAnts(j, func(p *ants.Pool, j job) error {
		results := make([]int, j.size)
		err := antsGo(p, j, func(i int) { results[i] = j.do(i) })
		j.took(results)
		return err
	})
}

// withAnts repeats a function that does the job once, with a pool of ants.
func withAnts(j job, once func(*ants.Pool, job) error) error {
	p, err := ants.NewPool(j.limit)
	if err != nil {
		return err
	}
	err = repeat(func(j job) error { return once(p, j) })(j)
	return errors.Join(err, p.ReleaseTimeout(time.Minute))
}

// antsGo calls do for each item, in tasks of p.
func antsGo(p *ants.Pool, j job, do func(i int)) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range j.size {
		wg.Add(1)
		err := p.Submit(func() {
			defer wg.Done()
			do(i)
		})
		if err != nil {
			wg.Done()
			return err
		}
	}
	return nil
}
