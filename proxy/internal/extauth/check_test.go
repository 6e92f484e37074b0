package extauth

import (
	"fmt"
	"strings"
	"testing"
)

// framed is a message in the frame of gRPC.
func framed(message string) []byte {
	n := len(message)
	return append([]byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, message...)
}

var modes = [...]string{Set: "", Add: "+", AddIfAbsent: "?", SetIfPresent: "!"}

// described writes a verdict as a line.
func described(v *Verdict, err error) string {
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%v %d", v.Allowed, v.Status)
	for _, f := range v.Fields {
		fmt.Fprintf(&b, " %s%s=%s", modes[f.Mode], f.Name, f.Value)
	}
	for _, name := range v.Removed {
		fmt.Fprintf(&b, " -%s", name)
	}
	for _, f := range v.Response {
		fmt.Fprintf(&b, " response %s%s=%s", modes[f.Mode], f.Name, f.Value)
	}
	for _, p := range v.SetQuery {
		fmt.Fprintf(&b, " query %s=%s", p.Name, p.Value)
	}
	for _, name := range v.RemovedQuery {
		fmt.Fprintf(&b, " query -%s", name)
	}
	if v.Body != nil {
		fmt.Fprintf(&b, " body %q", v.Body)
	}
	return b.String()
}

// option is a HeaderValueOption of a name, with the value 1, in the field of a
// message whose tag is given.
func option(tag, name, rest string) string {
	header := "\n\x06\n" + string(byte(len(name))) + name + "\x12\x011"
	return tag + string(byte(len(header)+len(rest))) + header + rest
}

// The messages are as Envoy's own bindings write them.
func TestReadCheck(t *testing.T) {
	tests := []struct{ name, message, want string }{
		{"allowed", "\n\x00", "true 0"},
		{"allowed by saying nothing", "", "true 0"},
		{"allowed with everything there is", "\n\x00\"\x10\n\x0e\n\x01a\x12\t\x11\x00\x00\x00\x00\x00\x00\xf0?\x1a\x9e\x01\x12\x0e\n\f\n\ax-plain\x12\x011\x12\x0e\n\n\n\x05x-set\x12\x011\x12\x00\x12\x10\n\n\n\x05x-add\x12\x011\x12\x02\b\x01\x12\x11\n\r\n\bx-absent\x12\x011\x18\x01\x12\x0f\n\v\n\x06x-over\x12\x011\x18\x02\x12\x12\n\x0e\n\tx-present\x12\x011\x18\x03\x12\f\n\n\n\x05x-raw\x1a\x01r*\x06x-gone2\x11\n\x0f\n\nx-response\x12\x011:\x06\n\x01a\x12\x01bB\x01c",
			"true 0 x-plain=1 x-set=1 +x-add=1 ?x-absent=1 x-over=1 !x-present=1 x-raw=r -x-gone response +x-response=1 query a=b query -c"},
		{"denied", "\n\x06\b\x10\x12\x02no\x120\n\x03\b\x91\x03\x12\x1b\n\x19\n\x10www-authenticate\x12\x05Basic\x1a\fwho are you?",
			`false 401 www-authenticate=Basic body "who are you?"`},
		{"denied without a word", "\n\x02\b\a", "false 403"},
		{"denied in spite of what would be set", "\n\x02\b\a\x1a\x11\x12\x0f\n\r\n\bx-secret\x12\x011", "false 403"},
		{"both", "\n\x00\x12\x00", "false 403"},
		{"a status that is none", "\x12\x05\n\x03\b\x8f\x4e", "false 403"},
		{"a pseudo-header", "\x1a\x13\x12\x11\n\x0f\n\x05:path\x12\x06/admin", errField.Error()},
		{"a value that is two lines", "\x1a\x14\x12\x12\n\x10\n\x03x-a\x12\t1\r\nx-b: 2", errField.Error()},
		{"what the proxy says itself", "\x1aZ\x12\x15\n\x13\n\x0eContent-Length\x12\x013\x12\x0e\n\f\n\x04host\x12\x04evil\x12\x18\n\x16\n\x0fx-forwarded-for\x12\x03::1\x12\x17\n\x15\n\x10x-forwarded-user\x12\x01a",
			"true 0 x-forwarded-user=a"},
		{"what becomes of fields of the response", "\x1a\x56" + option("2", "a", "") + option("2", "b", "\x12\x00") + option("2", "c", "\x12\x02\b\x01") + option("2", "d", "\x18\x01") + option("2", "e", "\x18\x02") + option("2", "f", "\x18\x03") + option("2", "g", "\x12\x00\x18\x03"),
			"true 0 response +a=1 response b=1 response +c=1 response ?d=1 response e=1 response !f=1 response !g=1"},
		{"an error", "\x2a\x00", errServer.Error()},
		{"cut off", "\n\x06\b\x10\x12", errMessage.Error()},
		{"cut off within", "\x12\x02\x12\x05", errMessage.Error()},
		{"a group", "\x0b", errMessage.Error()},
		{"a field of number zero", "\x02\x00", errMessage.Error()},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := described(ReadCheck(framed(test.message))); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestReadCheckRefusesFrames(t *testing.T) {
	for name, message := range map[string]string{
		"nothing": "", "half of a frame": "\x00\x00", "compressed": "\x01\x00\x00\x00\x00", "longer than it says": "\x00\x00\x00\x00\x00\n\x00",
		"shorter than it says": "\x00\x00\x00\x00\x03\n\x00", "two": "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		if _, err := ReadCheck([]byte(message)); err == nil {
			t.Errorf("%s: taken for an answer", name)
		}
	}
}

// Whatever a server sends: what comes of it is whole fields, and no field of
// framing among them.
func FuzzReadCheck(f *testing.F) {
	f.Add("\n\x00")
	f.Add("\x1a\x14\x12\x12\n\x10\n\x03x-a\x12\t1\r\nx-b: 2")
	f.Add("\n\x06\b\x10\x12\x02no\x120\n\x03\b\x91\x03\x12\x1b\n\x19\n\x10www-authenticate\x12\x05Basic\x1a\fwho are you?")
	f.Fuzz(func(t *testing.T, message string) {
		v, err := ReadCheck(framed(message))
		if err != nil {
			return
		}
		head := string(v.AppendFields(nil, asked(nil, nil), []byte("A: 1\r\n"), nothing{}))
		if !v.Allowed {
			head = string(v.AppendDenial(nil, 0))
		}
		if !strings.HasSuffix(head, "\r\n") && head != "" || strings.Count(strings.ToLower("\n"+head), "\ncontent-length:") > 1 ||
			strings.Contains(strings.ToLower("\n"+head), "\ntransfer-encoding:") {
			t.Fatalf("got %q", head)
		}
	})
}
