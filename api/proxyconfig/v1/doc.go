// Package proxyconfig is the file contract between the operator and the proxy:
// the rendered configuration of one Gateway as plain data.
//
// The operator turns a validated graph into a Config, wraps it in a Document
// and stores the Document's bytes in a ConfigMap. The proxy decodes the
// Document, checks that it belongs to its Gateway and that its hash matches,
// and compiles the Config. The package knows nothing of Kubernetes beyond
// names, and imports the standard library only.
//
// The schema is additive within v1. A document lists in Requires the features
// that a proxy must know to serve it truthfully; a proxy that lacks one keeps
// its last good configuration. Unknown fields beside that are counted and
// otherwise ignored.
package proxyconfig
