// Package configsource brings configurations to the proxy and decides which one
// is served.
//
// Three lanes hand observations to one Coordinator:
//
//	watch   the ConfigMap and the Secrets, watched by name at the API server:
//	        fast, and silent while the API server is down
//	mount   the same objects as files that the kubelet swaps: slow, and there
//	        before anything else
//	saved   the document that was served last, kept across restarts of the
//	        container; never key material
//
// The Coordinator decodes, compares, compiles and applies. The newest valid
// revision of its own Gateway wins, whichever lane it came by, and a proxy never
// goes back to an older one. What is refused leaves everything as it is, and
// shows in the metrics and in the report to the operator.
//
// The package knows the names of two kinds of Kubernetes objects and nothing
// else of Kubernetes.
package configsource
