// Command metricsdoc writes docs/reference/metrics.md from the code of the three
// programs: each file that describes metrics is parsed, and nothing of it is run.
// That the page and what is scraped agree is tested in test/e2e.
package main
