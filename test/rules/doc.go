// Package rules tests the rules of config/prometheus with Prometheus' own tool, and
// that each alert has what people need who are told of it.
package rules
