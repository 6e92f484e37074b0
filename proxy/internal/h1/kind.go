package h1

// Kind tells apart the fields that a proxy treats in a way of their own.
type Kind uint8

// The kinds of fields.
const (
	Plain Kind = iota
	Host
	Connection
	KeepAlive
	Upgrade
	TE
	Expect
	ContentLength
	TransferEncoding
	ProxyOnly // hop-by-hop fields between a client and its own proxy
	Forwarded // what the proxy itself says of the client
	RequestID
	UserAgent
	numKinds
)

// KindOf returns the kind of the field called name, in any case and with
// underscores taken for hyphens.
func KindOf(name []byte) Kind {
	switch len(name) {
	case 2:
		return kindIf(name, "te", TE)
	case 4:
		return kindIf(name, "host", Host)
	case 5:
		// httpoxy: CGI backends read it as the HTTP_PROXY variable.
		return kindIf(name, "proxy", ProxyOnly)
	case 6:
		return kindIf(name, "expect", Expect)
	case 7:
		return kindIf(name, "upgrade", Upgrade)
	case 9:
		return kindIf(name, "forwarded", Forwarded) | kindIf(name, "x-real-ip", Forwarded)
	case 10:
		return kindIf(name, "connection", Connection) | kindIf(name, "keep-alive", KeepAlive) | kindIf(name, "user-agent", UserAgent)
	case 12:
		return kindIf(name, "x-request-id", RequestID)
	}
	return kindOfLong(name)
}

func kindOfLong(name []byte) Kind {
	if len(name) < 14 {
		return Plain
	}
	switch fold[name[0]] {
	case 'c':
		return kindIf(name, "content-length", ContentLength)
	case 'h':
		return kindIf(name, "http2-settings", ProxyOnly)
	case 'p':
		return kindIf(name, "proxy-connection", ProxyOnly) |
			kindIf(name, "proxy-authenticate", ProxyOnly) |
			kindIf(name, "proxy-authorization", ProxyOnly)
	case 't':
		return kindIf(name, "transfer-encoding", TransferEncoding)
	case 'x':
		if EqualAlias(name[:12], "x-forwarded-") {
			return Forwarded
		}
	}
	return Plain
}

func kindIf(name []byte, known string, k Kind) Kind {
	if EqualAlias(name, known) {
		return k
	}
	return Plain
}

// ownedByProxy reports whether a field of this kind never travels on as it
// came: it is dropped, or written anew from what was understood of it.
func (k Kind) ownedByProxy(request bool) bool {
	switch k {
	case Connection, KeepAlive, Upgrade, TE, ContentLength, TransferEncoding, ProxyOnly:
		return true
	case Host, Forwarded, RequestID:
		return request
	}
	return false
}
