// Package docs holds what the documentation says of tests and files against what
// there is. It has tests only.
package docs
