// Package measure turns the machine, the repository and the processes of the test
// cluster's pods into what the pages of benches say of them, and figures into tables. It
// knows nothing of what is measured.
package measure
