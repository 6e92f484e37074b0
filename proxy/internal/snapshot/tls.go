package snapshot

import "crypto/tls"

// TLS is how a port terminates TLS. It is immutable; certificates that change
// come with a new Snapshot.
type TLS struct {
	Config *tls.Config
}
