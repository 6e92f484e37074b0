package filter

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestCompile(t *testing.T) {
	headers := &proxyconfig.HeaderEdits{
		Set:    []proxyconfig.Header{{Name: "X-Set", Value: "1"}},
		Add:    []proxyconfig.Header{{Name: "X-Add", Value: ""}},
		Remove: []string{"X-Gone"},
	}
	edits := &HeaderEdits{
		Set:    []HeaderLine{{"x-set", []byte("X-Set: 1\r\n")}},
		Add:    []HeaderLine{{"x-add", []byte("X-Add: \r\n")}},
		Remove: []string{"x-gone"},
	}
	full := &proxyconfig.PathRewrite{Type: proxyconfig.ReplaceFullPath, Value: "/f"}
	part := &proxyconfig.PathRewrite{Type: proxyconfig.ReplacePrefixMatch, Value: "/p"}
	tests := []struct {
		name string
		in   []proxyconfig.Filter
		want Chain
	}{
		{"none", nil, Chain{}},
		{"headers of both ways", []proxyconfig.Filter{
			{Type: proxyconfig.FilterRequestHeaders, Headers: headers},
			{Type: proxyconfig.FilterResponseHeaders, Headers: headers},
		}, Chain{RequestHeaders: edits, ResponseHeaders: edits}},
		{"empty edits", []proxyconfig.Filter{
			{Type: proxyconfig.FilterRequestHeaders, Headers: &proxyconfig.HeaderEdits{}},
		}, Chain{}},
		{"redirect", []proxyconfig.Filter{
			{Type: proxyconfig.FilterRedirect, Redirect: &proxyconfig.Redirect{Scheme: "https", Hostname: "h", Port: 8443, Path: full, Status: 301}},
		}, Chain{Redirect: &Redirect{Scheme: "https", Hostname: "h", Port: 8443, Path: &PathRewrite{Full: true, Value: "/f"}, Status: 301}}},
		{"rewrite", []proxyconfig.Filter{
			{Type: proxyconfig.FilterRewrite, Rewrite: &proxyconfig.Rewrite{Hostname: "h", Path: part}},
		}, Chain{Rewrite: &Rewrite{Hostname: "h", Path: &PathRewrite{Prefix: true, Value: "/p"}}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Compile(test.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCompileNeverLeavesAFilterOut(t *testing.T) {
	for _, f := range []proxyconfig.Filter{
		{Type: "Teleport"},
		{Type: proxyconfig.FilterRedirect},
		{Type: proxyconfig.FilterCORS},
		{Type: proxyconfig.FilterMirror},
		{Type: proxyconfig.FilterExternalAuth},
		{Type: proxyconfig.FilterRewrite, Headers: &proxyconfig.HeaderEdits{}},
	} {
		if _, err := Compile([]proxyconfig.Filter{f}); err == nil {
			t.Errorf("%+v was accepted", f)
		}
	}
}
