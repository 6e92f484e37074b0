// Package session makes the tokens by which a client's requests keep to one
// endpoint (GEP-1619), and reads them.
//
// A token is the endpoint's address and the end of the session, sealed. Whoever
// has the key can tell where a token leads and nobody else can, so that proxies
// share no state: any replica of a Gateway opens what another one has sealed, also
// after all of them were restarted. The key is derived from a secret that the
// fleet has anyway, the token of its admin ports. That lies in a Secret of the
// Gateway's own, is read by its proxies alone, and outlives the renewal of their
// certificates.
//
// Each backend of each route has a key of its own. A token that was given for one
// means nothing to another, whoever owns that: a tenant who shares the Gateway can
// neither forge a token nor learn, by a route of his own, what is in one.
//
// The package knows of no endpoints and no requests: whether what a token leads to
// still exists and may be used is for package balance to say.
package session
