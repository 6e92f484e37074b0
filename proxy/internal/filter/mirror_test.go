package filter

import (
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestMirrorsFireEvenly(t *testing.T) {
	tests := []struct {
		name     string
		fraction *proxyconfig.Fraction
		of1000   int
	}{
		{"all", nil, 1000},
		{"all of a fraction", &proxyconfig.Fraction{Numerator: 5, Denominator: 5}, 1000},
		{"none", &proxyconfig.Fraction{Numerator: 0, Denominator: 100}, 0},
		{"a percentage", &proxyconfig.Fraction{Numerator: 20, Denominator: 100}, 200},
		{"a thousandth", &proxyconfig.Fraction{Numerator: 1, Denominator: 1000}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := compileMirror(&proxyconfig.Mirror{Backend: "b", Fraction: test.fraction})
			copies := 0
			for n := 1; n <= 1000; n++ {
				if m.Fires() {
					copies++
				}
				if off := copies - n*test.of1000/1000; off < -2 || off > 2 {
					t.Fatalf("after %d requests there were %d copies", n, copies)
				}
			}
		})
	}
}

func TestMirrorsKeepTheirOrder(t *testing.T) {
	mirror := func(backend string) proxyconfig.Filter {
		return proxyconfig.Filter{Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: backend}}
	}
	c, err := Compile([]proxyconfig.Filter{mirror("a"), mirror("b"), mirror("a")})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, m := range c.Mirrors {
		got += m.Backend
	}
	if got != "aba" {
		t.Errorf("got mirrors %s, want aba", got)
	}
}
