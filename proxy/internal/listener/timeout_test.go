package listener

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/exchange"
)

// hanging is a backend that answers when the request is cancelled.
func hanging(t *testing.T) string {
	_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/begun" {
			w.(http.Flusher).Flush()
		}
		// net/http looks after its client only behind the request's body.
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	return addr
}

func TestTimeouts(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		for name, timeouts := range map[string]proxyconfig.Timeouts{
			"request": {RequestMillis: 50},
			"backend": {BackendRequestMillis: 50},
		} {
			c := to(hanging(t))
			c.Routes[0].Rules[0].Timeouts = &timeouts
			p := start(t, settings{driver: d}, c)
			begin := time.Now()
			resp, _ := fetch(t, client(t), "GET", p.url("/"), nil)
			if took := time.Since(begin); resp.StatusCode != 504 || took < 50*time.Millisecond {
				t.Errorf("%s: got %d after %v", name, resp.StatusCode, took)
			}
			if r := p.records.await(t, 1)[0]; r.Flags&probe.FlagTimeout == 0 || r.Status != 504 {
				t.Errorf("%s: got status %d, flags %b", name, r.Status, r.Flags)
			}
		}
	})
}

// A response that has begun cannot turn into a 504; it is broken off.
func TestTimeoutWithinResponse(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to(hanging(t))
		c.Routes[0].Rules[0].Timeouts = &proxyconfig.Timeouts{RequestMillis: 50}
		p := start(t, settings{driver: d}, c)
		conn := p.dial()
		conn.send("GET /begun HTTP/1.1", "Host: a")
		resp, err := http.ReadResponse(conn.r, nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("got %v, %v", resp, err)
		}
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
			t.Error("the body has no end")
		}
	})
}

func TestSlowClients(t *testing.T) {
	const short = 50 * time.Millisecond
	onDrivers(t, func(t *testing.T, d Driver) {
		for _, tt := range []struct {
			name   string
			limits exchange.Limits
			in     string
			want   string
		}{
			{"head", exchange.Limits{Head: short, Idle: time.Hour}, "GET / HTTP/1.1\r\n", "HTTP/1.1 408 "},
			{"body", exchange.Limits{Body: short}, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na", "HTTP/1.1 408 "},
			{"no request", exchange.Limits{Idle: short}, "", ""},
			{"left half-way", exchange.Limits{Leaving: short}, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "reset"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				tt.limits.Linger = short
				p := start(t, settings{driver: d, limits: tt.limits}, to(hanging(t)))
				c := p.dial()
				c.sendRaw(tt.in)
				if tt.want == "reset" {
					c.CloseWrite()
					if _, err := c.r.ReadByte(); err == nil || !strings.Contains(err.Error(), "reset") {
						t.Errorf("got %v", err)
					}
				} else if got := c.wantEnd(); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
					t.Errorf("got %q", got)
				}
				wantAtRest(t, p)
			})
		}
	})
}

// drip is a body that comes byte by byte until its time has passed.
type drip struct{ until time.Time }

func (d drip) Read(b []byte) (int, error) {
	if time.Now().After(d.until) {
		return 0, io.EOF
	}
	time.Sleep(20 * time.Millisecond)
	b[0] = 'x'
	return 1, nil
}

func TestBodiesThatDrip(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		p := start(t, settings{driver: d, limits: exchange.Limits{Body: time.Second}}, to(hanging(t)))
		for version, c := range map[string]*http.Client{"HTTP/1.1": client(t), "HTTP/2.0": http2Client(t)} {
			t.Run(version, func(t *testing.T) {
				t.Parallel()
				r, _ := http.NewRequest("POST", p.url("/"), drip{time.Now().Add(20 * time.Second)})
				r.Host = "a"
				resp, err := c.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				if resp.StatusCode != 408 || resp.Proto != version || resp.Close != (version == "HTTP/1.1") {
					t.Errorf("got %d by %s, the end of the connection: %v", resp.StatusCode, resp.Proto, resp.Close)
				}
				resp.Body.Close()
			})
		}
	})
}
