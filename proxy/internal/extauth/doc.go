// Package extauth turns a client's request into the question that an
// authorization server is asked, and the server's answer into a Verdict: by HTTP,
// where the question is a request of the same method and path, and by gRPC, where
// it is a CheckRequest of envoy.service.auth.v3 (Gateway API GEP-1494).
//
// It knows of no connections: heads are those of package h1, messages are bytes.
// A dozen fields of the protobuf messages matter here, which is no reason to link
// a library that knows them all.
package extauth
