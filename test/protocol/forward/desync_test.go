package forward

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// desyncCase is a request of the corpus aws-http-desync-guardian: as parsed by
// somebody, and judged by its tier.
type desyncCase struct {
	Name, URI, Method, Version string
	Headers                    []struct{ Name, Value, Tier string }
	Expected                   struct{ Tier string }
}

// readDesync reads the cases of all files of the corpus.
func readDesync(dir string) (all []desyncCase, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var cases []desyncCase
		if err := yaml.Unmarshal(data, &cases); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for i := range cases {
			cases[i].Name = strings.TrimSuffix(filepath.Base(file), ".yaml") + ": " + cases[i].Name
		}
		all = append(all, cases...)
	}
	return all, nil
}

// bytes is the request as it goes over the wire. A case that is about something
// else than the host gets one, and a body as its fields announce it.
func (c *desyncCase) bytes() string {
	var b strings.Builder
	b.WriteString(octets(c.Method) + " " + octets(c.URI))
	if c.Version != "" {
		b.WriteString(" " + octets(c.Version))
	}
	b.WriteString("\r\n")
	hasHost, body := false, ""
	for _, h := range c.Headers {
		b.WriteString(octets(h.Name) + ": " + octets(h.Value) + "\r\n")
		switch strings.ToLower(h.Name) {
		case "host":
			hasHost = true
		case "content-length":
			if n, err := strconv.ParseUint(strings.TrimSpace(h.Value), 10, 24); err == nil {
				body = strings.Repeat("x", int(n))
			}
		case "transfer-encoding":
			body = "0\r\n\r\n"
		}
	}
	if !hasHost {
		b.WriteString("Host: a.example\r\n")
	}
	return b.String() + "\r\n" + body
}

// octets turns what the corpus escapes as single bytes into such.
func octets(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r > 0xff {
			return s
		}
		b = append(b, byte(r))
	}
	return string(b)
}

// suspicious are the fields that the corpus finds fault with, as lines.
func (c *desyncCase) suspicious() (lines []string) {
	for _, h := range c.Headers {
		if h.Tier == "Bad" || h.Tier == "NonCompliant" {
			lines = append(lines, octets(h.Name)+": "+octets(h.Value)+"\r\n")
		}
	}
	return lines
}
