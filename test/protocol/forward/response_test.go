package forward

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/protocol/message"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

// A backend's answer is taken as strictly as a request: what is ambiguous turns
// into a 502, what breaks off never looks whole, and nothing that a backend sends
// beside an answer ever reaches another client.
func TestResponses(t *testing.T) {
	all := vector.Responses()
	b := recorder.Start(t, func(r *message.Request) recorder.Answer {
		n, err := strconv.Atoi(strings.TrimPrefix(r.Target, "/"))
		if err != nil {
			return recorder.OK(r, r.Target)
		}
		return recorder.Answer{Bytes: []byte(all[n].In), Close: !all[n].Stays}
	})
	p := edge.Start(t, edge.Options{Config: edge.To(b.Addr())})
	for i, r := range all {
		method := r.Method
		if method == "" {
			method = "GET"
		}
		for _, version := range []string{"1.1", "1.0"} {
			out, reset := ask(t, p.Addr("http"), method, fmt.Sprint("/", i), version)
			if err := checkResponse(r, method, out); err != nil && !(reset && r.Verdict == vector.Break) {
				t.Errorf("%s, HTTP/%s: %v: %.300q", r.Name, version, err, out)
			}
			if err := checkHeads(out, version); err != nil {
				t.Errorf("%s, HTTP/%s: %v: %.300q", r.Name, version, err, out)
			}
		}
		victim := fmt.Sprint("/victim-", i)
		out, _ := ask(t, p.Addr("http"), "GET", victim, "1.1")
		if got, rest := answers(out, nil); len(got) != 1 || got[0].body != victim || len(rest) > 0 {
			t.Errorf("%s: the next client got %+v, %q", r.Name, got, rest)
		}
	}
	t.Logf("%d answers", len(all))
}

// ask makes one request and returns all that comes back, and whether a reset
// ended it.
func ask(t *testing.T, addr, method, target, version string) (out []byte, reset bool) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "%s %s HTTP/%s\r\nHost: a.example\r\nConnection: close\r\n\r\n", method, target, version)
	out, err = io.ReadAll(c)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("%s %s: the connection does not end: %q", method, target, out)
	}
	return out, err != nil
}

// checkHeads is I4 for what a client gets: each head has lines of one form and
// one framing, which a client of HTTP/1.0 understands.
func checkHeads(out []byte, version string) error {
	for {
		head, rest, ok := bytes.Cut(out, []byte("\r\n\r\n"))
		if !ok {
			return nil
		}
		framings := 0
		for i, line := range strings.Split(string(head), "\r\n") {
			name, _, _ := strings.Cut(strings.ToLower(line), ":")
			if strings.ContainsAny(line, "\r\n\x00") || i > 0 && !message.IsToken(name) {
				return fmt.Errorf("line %q", line)
			}
			if name == "content-length" || name == "transfer-encoding" {
				framings++
			}
			if name == "transfer-encoding" && version == "1.0" {
				return errors.New("a transfer coding for HTTP/1.0")
			}
		}
		interim := bytes.HasPrefix(head, []byte("HTTP/1.1 1"))
		if framings > 1 || interim && version == "1.0" {
			return fmt.Errorf("%d framings, interim %v", framings, interim)
		}
		if !interim {
			return nil
		}
		out = rest
	}
}

func checkResponse(want vector.Response, method string, out []byte) error {
	r := bufio.NewReader(bytes.NewReader(out))
	for {
		response, err := http.ReadResponse(r, &http.Request{Method: method})
		if want.Verdict == vector.Break && err != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if response.StatusCode < 200 {
			continue
		}
		return checkFinal(want, response, r)
	}
}

func checkFinal(want vector.Response, response *http.Response, r *bufio.Reader) error {
	body, err := io.ReadAll(response.Body)
	if want.Verdict == vector.Break {
		if err == nil && response.StatusCode != http.StatusBadGateway {
			return fmt.Errorf("it looks whole: %d %q", response.StatusCode, body)
		}
		return nil
	}
	if err != nil || response.StatusCode != want.Status || want.Verdict == vector.Pass && string(body) != want.Body {
		return fmt.Errorf("got %d %q, %v, want %d %q", response.StatusCode, body, err, want.Status, want.Body)
	}
	for _, name := range []string{"Keep-Alive", "Upgrade", "X-Gone"} {
		if response.Header.Get(name) != "" {
			return fmt.Errorf("the client got %s", name)
		}
	}
	if rest, _ := io.ReadAll(r); len(rest) > 0 {
		return fmt.Errorf("behind the answer: %q", rest)
	}
	return nil
}
