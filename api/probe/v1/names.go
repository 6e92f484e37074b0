package probe

var methodNames = [...]string{
	MethodOther:   "other",
	MethodGet:     "GET",
	MethodHead:    "HEAD",
	MethodPost:    "POST",
	MethodPut:     "PUT",
	MethodPatch:   "PATCH",
	MethodDelete:  "DELETE",
	MethodOptions: "OPTIONS",
	MethodConnect: "CONNECT",
	MethodTrace:   "TRACE",
}

// String returns the method as it is written in a request, or "other".
func (m Method) String() string {
	if int(m) < len(methodNames) {
		return methodNames[m]
	}
	return methodNames[MethodOther]
}

var protocolNames = [...]string{
	HTTP1:     "h1",
	HTTP2:     "h2",
	HTTP3:     "h3",
	GRPC:      "grpc",
	WebSocket: "websocket",
	TCP:       "tcp",
	UDP:       "udp",
	TLS:       "tls",
}

// String returns the short name that the protocol has in labels.
func (p Protocol) String() string {
	if int(p) < len(protocolNames) {
		return protocolNames[p]
	}
	return "other"
}
