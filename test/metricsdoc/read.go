package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// metric is what the code says of one.
type metric struct {
	name, help, kind string
	labels           []string
}

// read finds the metrics that a file describes. They have one of four forms:
//
//	Metric{"name", "help", prometheus.CounterValue, []string{"label"}}
//	describe("name", "help", "label")
//	prometheus.NewCounterVec(prometheus.CounterOpts{Name: "name", Help: "help"}, []string{"label"})
//	prometheus.NewDesc("name", "help", []string{"label"}, nil)
func read(path string) ([]metric, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("reading metrics: %w", err)
	}
	var found []metric
	ast.Inspect(file, func(n ast.Node) bool {
		if m, ok := metricOf(n); ok {
			found = append(found, m)
		}
		return true
	})
	return found, nil
}

func metricOf(n ast.Node) (metric, bool) {
	var m metric
	switch n := n.(type) {
	case *ast.CompositeLit:
		if name(n.Type) != "Metric" || len(n.Elts) != 4 {
			return m, false
		}
		m = metric{text(n.Elts[0]), text(n.Elts[1]), "", texts(n.Elts[3])}
	case *ast.CallExpr:
		m = ofCall(n)
	}
	m.kind = kindOf(&m)
	return m, m.name != "" && m.help != ""
}

func ofCall(call *ast.CallExpr) metric {
	function := name(call.Fun)
	switch {
	case function == "describe" && len(call.Args) > 1:
		m := metric{name: text(call.Args[0]), help: text(call.Args[1])}
		if m.name != "" {
			m.name = "fleetgate_" + m.name
		}
		for _, label := range call.Args[2:] {
			m.labels = append(m.labels, text(label))
		}
		return m
	case function == "NewDesc" && len(call.Args) == 4:
		return metric{name: text(call.Args[0]), help: text(call.Args[1]), labels: texts(call.Args[2])}
	case strings.HasPrefix(function, "New") && len(call.Args) > 0:
		opts, ok := call.Args[0].(*ast.CompositeLit)
		if !ok || !strings.HasSuffix(name(opts.Type), "Opts") {
			return metric{}
		}
		m := metric{name: field(opts, "Name"), help: field(opts, "Help")}
		if len(call.Args) > 1 {
			m.labels = texts(call.Args[1])
		}
		return m
	}
	return metric{}
}

// kindOf goes by the name, as promlint has every name end with what it is. Seconds are
// a histogram's, but for statistics, which a label tells apart.
func kindOf(m *metric) string {
	switch {
	case strings.HasSuffix(m.name, "_total"):
		return "counter"
	case strings.HasSuffix(m.name, "_timestamp_seconds"), !strings.HasSuffix(m.name, "_seconds"), slices.Contains(m.labels, "stat"):
		return "gauge"
	}
	return "histogram"
}

// name is the last part of what is called or composed.
func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func field(literal *ast.CompositeLit, key string) string {
	for _, e := range literal.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok && name(pair.Key) == key {
			return text(pair.Value)
		}
	}
	return ""
}

func texts(e ast.Expr) []string {
	literal, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	var all []string
	for _, element := range literal.Elts {
		all = append(all, text(element))
	}
	return all
}

// text is the value of a string, which may be put together of several.
func text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		value, err := strconv.Unquote(e.Value)
		if err == nil {
			return value
		}
	case *ast.BinaryExpr:
		return text(e.X) + text(e.Y)
	}
	return ""
}
