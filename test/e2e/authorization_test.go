package e2e

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
)

// askUser is an authorization server: it lets in who says who it is, and tells
// the backend so.
func askUser(w http.ResponseWriter, r *http.Request) {
	user := r.Header.Get("Authorization")
	if user == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("X-User", user)
}

// The CheckResponses of checkUser (envoy.service.auth.v3): one that is OK and sets
// x-user, and one that is UNAUTHENTICATED with status 401.
const (
	letIn    = "\n\x00\x1a\x13\x12\x11\n\x0f\n\x06x-user\x12\x05alice"
	keepAway = "\n\x02\b\x10\x12\x05\n\x03\b\x91\x03"
)

// checkUser is an authorization server of gRPC: it lets in alice.
func checkUser(w http.ResponseWriter, r *http.Request) {
	message, err := io.ReadAll(r.Body)
	if err != nil || r.ProtoMajor != 2 || r.URL.Path != "/envoy.service.auth.v3.Authorization/Check" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if bytes.Contains(message, []byte("\n\rauthorization\x12\x05alice")) {
		answerCall(w, letIn)
		return
	}
	answerCall(w, keepAway)
}

// answerCall answers a call of gRPC with a message.
func answerCall(w http.ResponseWriter, message string) {
	w.Header().Set("Content-Type", "application/grpc")
	w.Header().Set("Trailer", "Grpc-Status")
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	w.Write(append(frame, message...))
	w.Header().Set("Grpc-Status", "0")
}
