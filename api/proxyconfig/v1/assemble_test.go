package proxyconfig

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// numbered are routes of which each tells its number.
func numbered(numbers ...int) []Route {
	var routes []Route
	for _, n := range numbers {
		routes = append(routes, Route{Kind: "HTTPRoute", Namespace: "ns", Name: fmt.Sprint(n)})
	}
	return routes
}

// twoParts are the routes 0 to 9, five in each of two parts, and two backends.
func twoParts() ([]Part, Fragments) {
	parts := []Part{
		{Kind: PartRoutes, Number: 1, SHA256: "a"}, {Kind: PartRoutes, Number: 2, SHA256: "b"}, {Kind: PartBackends, SHA256: "c"},
	}
	return parts, Fragments{
		parts[0]: {Routes: numbered(0, 1, 2, 3, 4)},
		parts[1]: {Routes: numbered(5, 6, 7, 8, 9)},
		parts[2]: {Backends: []Backend{{ID: "a"}, {ID: "b"}}},
	}
}

func TestSupersededItemsDoNotCount(t *testing.T) {
	for _, test := range []struct {
		superseded []Superseded
		own, want  []int
	}{
		{nil, nil, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{nil, []int{10}, []int{10, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{[]Superseded{{"routes-1", []int{0}}}, []int{0}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{[]Superseded{{"routes-1", []int{1, 2}}, {"routes-2", []int{4}}}, []int{9}, []int{9, 0, 3, 4, 5, 6, 7, 8}},
		{[]Superseded{{"routes-2", []int{0, 1, 2, 3, 4}}}, nil, []int{0, 1, 2, 3, 4}},
	} {
		parts, fragments := twoParts()
		index := &Config{Parts: parts, Superseded: test.superseded, Routes: numbered(test.own...)}
		got, views, err := Assemble(index, fragments, nil)
		if err != nil {
			t.Fatal(err)
		}
		if want := numbered(test.want...); !reflect.DeepEqual(got.Routes, want) || len(got.Backends) != 2 || got.Superseded != nil {
			t.Errorf("without %v: got %+v", test.superseded, got)
		}
		// Parts are whole for the next index, whatever this one leaves out.
		again, _, err := Assemble(&Config{Parts: parts}, views, got)
		if err != nil || len(again.Routes) != 10 || again.Routes[9].Name != "9" {
			t.Errorf("after one without %v: got %+v, %v", test.superseded, again, err)
		}
	}
}

func TestMoreThanThereIsIsNotSuperseded(t *testing.T) {
	parts, fragments := twoParts()
	if _, _, err := Assemble(&Config{Parts: parts, Superseded: []Superseded{{"routes-1", []int{2, 5}}}}, fragments, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v", err)
	}
	sound, _ := divided(t)
	for name, superseded := range map[string][]Superseded{
		"no such part": {{"routes-9", []int{0}}},
		"twice":        {{"routes-3", []int{0}}, {"routes-3", []int{1}}},
		"negative":     {{"routes-3", []int{-1}}},
		"descending":   {{"routes-3", []int{1, 0}}},
		"repeated":     {{"routes-3", []int{1, 1}}},
	} {
		data, _, err := EncodeIndex(sampleGateway(), 7, sampleConfig(), Layout{Parts: sound, Superseded: superseded})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := Decode(data); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// An earlier proxy would serve what does not count.
func TestSupersedingRequiresAReaderOfIt(t *testing.T) {
	parts, _ := divided(t)
	for _, superseded := range [][]Superseded{nil, {{"routes-3", []int{0}}}} {
		data, _, err := EncodeIndex(sampleGateway(), 7, sampleConfig(), Layout{Parts: parts, Superseded: superseded})
		if err != nil {
			t.Fatal(err)
		}
		d, _, _, err := Decode(data)
		if err != nil || slices.Contains(d.Requires, FeatureSuperseded) != (superseded != nil) {
			t.Errorf("with %v it requires %v, %v", superseded, d, err)
		}
	}
}

// What has not changed is the same memory, by which it is seen not to have.
func TestAssembleKeepsTheMemoryOfWhatIsTheSame(t *testing.T) {
	parts, fragments := twoParts()
	first, views, err := Assemble(&Config{Parts: parts}, fragments, nil)
	if err != nil {
		t.Fatal(err)
	}
	second, views, err := Assemble(&Config{Parts: parts, Routes: numbered(10)}, views, first)
	if err != nil {
		t.Fatal(err)
	}
	if &second.Backends[0] != &first.Backends[0] {
		t.Error("a route has the backends copied")
	}
	third, _, err := Assemble(&Config{Parts: parts[:2], Routes: numbered(10), Backends: []Backend{{ID: "c"}}}, views, second)
	if err != nil || len(third.Backends) != 1 || len(third.Routes) != 11 {
		t.Errorf("got %+v, %v", third, err)
	}
}

// Whatever is superseded in whatever order of indexes, the result is what a copy makes.
func TestAssembleIsLeavingOut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts, views := twoParts()
	var before *Config
	for range 2000 {
		index := &Config{Parts: slices.Clone(parts)}
		var want []Route
		for range random.IntN(3) {
			index.Routes = append(index.Routes, numbered(random.IntN(100))...)
		}
		want = append(want, index.Routes...)
		for i, p := range parts[:2] {
			var gone []int
			for at := range 5 {
				if random.IntN(4) == 0 {
					gone = append(gone, at)
				} else {
					want = append(want, numbered(5*i+at)...)
				}
			}
			if gone != nil {
				index.Superseded = append(index.Superseded, Superseded{p.Name(), gone})
			}
		}
		got, next, err := Assemble(index, views, before)
		if err != nil || !reflect.DeepEqual(got.Routes, want) {
			t.Fatalf("without %v: got %+v, %v", index.Superseded, got, err)
		}
		before, views = got, next
	}
}
