package recorder

import (
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/fleetgate/fleetgate/test/protocol/message"
)

// Understood is how a backend understood a request: what all backends that
// tests use answer with, as JSON.
type Understood struct {
	Method string `json:"method"`
	Target string `json:"target"`
	Host   string `json:"host"`
	// Body is in hexadecimal digits.
	Body string `json:"body"`
}

// Of is how a request is understood.
func Of(r *message.Request) Understood {
	return Understood{r.Method, r.Target, r.Host, hex.EncodeToString([]byte(r.Body))}
}

// Echo answers with what was understood.
func Echo(r *message.Request) Answer {
	// Strings in a struct always encode.
	text, _ := json.Marshal(Of(r))
	return OK(r, string(text))
}

// OK answers 200 with a body, which an answer to HEAD lacks.
func OK(r *message.Request, body string) Answer {
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", len(body))
	if r.Method == "HEAD" {
		return Answer{Bytes: []byte(head)}
	}
	return Answer{Bytes: []byte(head + body)}
}
