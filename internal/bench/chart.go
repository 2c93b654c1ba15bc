package main

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	chartWidth = 24 * vg.Centimeter
	rowHeight  = 15 * vg.Length(1) // points
	margins    = 80 * vg.Length(1) // title, axis and border, above and below the rows
	border     = 10 * vg.Length(1) // around all
)

// chart draws the results of peers as multiples of ours, as an SVG. Each comparison is a
// group of rows, and each peer a bar that begins at 1.
func chart(w io.Writer, results []result) error {
	rows := rowsOf(results)
	p := plot.New()
	p.Title.Text = "Peers, as multiples of ours: right of 1 they need more than the library does"
	p.Title.TextStyle.Font.Size = 13
	p.Title.Padding = 10
	p.X.Scale = plot.LogScale{}
	p.X.Min, p.X.Max = extent(rows)
	p.X.Tick.Marker = multiples{}
	p.Y.Min, p.Y.Max = -float64(len(rows)), 0
	p.Y.Tick.Marker = labels(rows)
	p.Y.Tick.Length = 0
	p.Y.Tick.Label.YAlign = -0.6 // the axis puts its labels above the middle
	p.Y.LineStyle.Width = 0
	for _, style := range []*text.Style{&p.Title.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label} {
		style.Font.Variant = "Sans"
	}
	p.Add(bars(rows))

	c := vgsvg.New(chartWidth, margins+rowHeight*vg.Length(len(rows)))
	p.Draw(draw.Crop(draw.New(c), border, -border, border, -border))
	var svg bytes.Buffer
	if _, err := c.WriteTo(&svg); err != nil {
		return err
	}
	// Few systems have the font that was used to measure the text. These fonts are as wide.
	_, err := w.Write(bytes.ReplaceAll(svg.Bytes(),
		[]byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")))
	return err
}

// A row is a line of the chart.
type row struct {
	heading string  // of a group; empty: this is a peer's row, or a gap
	peer    string  // empty: no bar
	ratio   float64 // the end of the bar
}

func rowsOf(results []result) []row {
	var rows []row
	for _, r := range results {
		rows = append(rows, row{}, row{heading: r.name})
		for i, c := range r.contestants {
			if !c.ours {
				rows = append(rows, row{peer: c.name, ratio: r.toOurs(i)})
			}
		}
	}
	return rows
}

// extent returns the range of the axis, which includes the bars and the figures at their
// ends.
func extent(rows []row) (low, high float64) {
	low, high = 0.5, 2
	for _, r := range rows {
		if r.peer != "" {
			low, high = min(low, r.ratio), max(high, r.ratio)
		}
	}
	return low / 1.5, high * 1.5
}

// multiples puts ticks at 1, 2 and 5 times the powers of 10.
type multiples struct{}

// Ticks implements [plot.Ticker].
func (multiples) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Floor(math.Log10(low)); power <= math.Log10(high); power++ {
		for _, m := range []float64{1, 2, 5} {
			if x := m * math.Pow(10, power); low <= x && x <= high {
				ticks = append(ticks, plot.Tick{Value: x, Label: fmt.Sprintf("%.3g×", x)})
			}
		}
	}
	return ticks
}

// labels are the names of the peers beside their rows.
func labels(rows []row) plot.ConstantTicks {
	var ticks plot.ConstantTicks
	for i, r := range rows {
		if r.peer != "" {
			ticks = append(ticks, plot.Tick{Value: middle(i), Label: r.peer})
		}
	}
	return ticks
}

// middle returns where the middle of row i is: rows go down.
func middle(i int) float64 { return -float64(i) - 0.5 }

// bars draws the bars, their figures and the headings. It is needed because the bars of
// package plotter begin at 0, which a logarithmic axis does not have.
type bars []row

// Plot implements [plot.Plotter].
func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	var (
		slower   = color.RGBA{R: 0x4c, G: 0x8c, B: 0x6b, A: 0xff}
		faster   = color.RGBA{R: 0xc8, G: 0x6b, B: 0x3c, A: 0xff}
		grid     = draw.LineStyle{Color: color.Gray{Y: 0xdd}, Width: 0.5}
		one      = draw.LineStyle{Color: color.Black, Width: 1}
		figures  = style(p, 9, font.Font{Variant: "Sans"})
		headings = style(p, 10, font.Font{Variant: "Sans", Weight: 3}) // bold
	)
	x, y := p.Transforms(&c)
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		c.StrokeLine2(grid, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
	}
	for i, r := range b {
		if r.heading != "" {
			c.FillText(headings, vg.Point{X: c.Min.X, Y: y(middle(i))}, r.heading)
		}
		if r.peer == "" {
			continue
		}
		fill := slower
		if r.ratio < 1 {
			fill = faster
		}
		low, high := x(min(r.ratio, 1)), x(max(r.ratio, 1))
		bottom, top := y(middle(i)-0.36), y(middle(i)+0.36)
		c.FillPolygon(fill, []vg.Point{{X: low, Y: bottom}, {X: high, Y: bottom}, {X: high, Y: top}, {X: low, Y: top}})
		c.StrokeLine2(one, x(1), y(middle(i)-0.5), x(1), y(middle(i)+0.5)) // but not through headings
		c.FillText(figures, vg.Point{X: high + 3, Y: y(middle(i))}, fmt.Sprintf("%.2f", r.ratio))
	}
}

// style makes a style for text that begins at a point and is centered on its height.
func style(p *plot.Plot, size vg.Length, f font.Font) text.Style {
	f = font.From(f, size)
	f.Typeface = plot.DefaultFont.Typeface
	return text.Style{
		Color:   color.Black,
		Font:    f,
		YAlign:  -0.4, // figures have nothing below their line
		Handler: p.TextHandler,
	}
}
