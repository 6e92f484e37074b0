package h1

// Error is why a message was refused. Its values are made once, so that
// refusing costs no allocation.
type Error struct {
	// Status is what a client is answered; a backend's message that is refused
	// is a bad gateway whatever it says here.
	Status int
	reason string
}

// Error implements error.
func (e *Error) Error() string { return e.reason }

func bad(reason string) *Error { return &Error{Status: 400, reason: reason} }

// The reasons to refuse a message.
var (
	ErrHeadTooLarge  = &Error{Status: 431, reason: "head too large"}
	ErrTooManyFields = &Error{Status: 431, reason: "too many fields"}
	ErrVersion       = &Error{Status: 505, reason: "version is neither HTTP/1.0 nor HTTP/1.1"}
	ErrConnect       = &Error{Status: 405, reason: "CONNECT is not served"}

	ErrLineEnd          = bad("line does not end in CRLF")
	ErrStartLine        = bad("malformed start line")
	ErrMethod           = bad("method is not a token")
	ErrTarget           = bad("malformed request target")
	ErrPath             = bad("path has no unambiguous normal form")
	ErrHost             = bad("missing, repeated or malformed host")
	ErrHostMismatch     = bad("host differs from the authority of the target")
	ErrFieldName        = bad("field name is not a token")
	ErrFieldValue       = bad("control character in a field value")
	ErrExpect           = bad("repeated Expect")
	ErrConnection       = bad("malformed Connection field")
	ErrContentLength    = bad("repeated or malformed Content-Length")
	ErrTransferEncoding = bad("transfer coding is not exactly chunked")
	ErrFraming          = bad("both Content-Length and Transfer-Encoding")
	ErrChunk            = bad("malformed chunk")
	ErrTrailer          = bad("malformed trailer section")
)
