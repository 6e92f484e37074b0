// Command apidoc turns the Go types of an API group into a page of reference in
// Markdown, with a section for each type and a row for each of its fields.
package main
