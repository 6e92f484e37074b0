package proxyconfig

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
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
		got, err := Assemble(index, fragments)
		if err != nil {
			t.Fatal(err)
		}
		if names := namesOf(got.RoutePieces()); !slices.Equal(names, test.want) || got.BackendPieces().Len() != 2 || got.Superseded != nil {
			t.Errorf("without %v: got %v", test.superseded, names)
		}
		if n := got.RoutePieces().Len(); n != len(test.want) {
			t.Errorf("without %v: %d routes count", test.superseded, n)
		}
		// Parts are whole for the next index, whatever this one leaves out.
		again, err := Assemble(&Config{Parts: parts}, fragments)
		if err != nil || again.RoutePieces().Len() != 10 {
			t.Errorf("after one without %v: got %+v, %v", test.superseded, again, err)
		}
	}
}

func TestMoreThanThereIsIsNotSuperseded(t *testing.T) {
	parts, fragments := twoParts()
	if _, err := Assemble(&Config{Parts: parts, Superseded: []Superseded{{"routes-1", []int{2, 5}}}}, fragments); !errors.Is(err, ErrMalformed) {
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

// namesOf are the numbers by which the routes are named.
func namesOf(pieces Pieces[Route]) (names []int) {
	for r := range pieces.All() {
		n, err := strconv.Atoi(r.Name)
		if err != nil {
			panic(err)
		}
		names = append(names, n)
	}
	return names
}

// drawIndex is an index of some of the parts, with other items beside them.
func drawIndex(random *rand.Rand, parts []Part) *Config {
	index := &Config{}
	for range random.IntN(3) {
		index.Routes = append(index.Routes, numbered(random.IntN(100))...)
	}
	for _, p := range parts {
		if random.IntN(8) == 0 {
			continue
		}
		index.Parts = append(index.Parts, p)
		var gone []int
		for at := range 5 {
			if p.Kind == PartRoutes && random.IntN(4) == 0 {
				gone = append(gone, at)
			}
		}
		if gone != nil {
			index.Superseded = append(index.Superseded, Superseded{p.Name(), gone})
		}
	}
	return index
}

// Whatever is superseded in whatever order of indexes, what one configuration has
// beside another one, taken from the one and added to the other, makes them the same.
func TestBesideIsTheDifference(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	parts, fragments := twoParts()
	before := &Config{}
	for range 5000 {
		index := drawIndex(random, parts)
		now, err := Assemble(index, fragments)
		if err != nil {
			t.Fatal(err)
		}
		count := map[int]int{}
		add := func(routes []*Route, n int) {
			for _, r := range routes {
				count[namesOf(Pieces[Route]{{Items: []Route{*r}}})[0]] += n
			}
		}
		add(slices.Collect(before.RoutePieces().All()), 1)
		add(before.RoutePieces().Beside(now.RoutePieces()), -1)
		add(now.RoutePieces().Beside(before.RoutePieces()), 1)
		add(slices.Collect(now.RoutePieces().All()), -1)
		for name, n := range count {
			if n != 0 {
				t.Fatalf("route %d is there %d times too often after %v from %v", name, n, index.Superseded, before)
			}
		}
		if now.RoutePieces().Same(before.RoutePieces()) && !slices.Equal(namesOf(now.RoutePieces()), namesOf(before.RoutePieces())) {
			t.Fatal("they are not the same")
		}
		before = now
	}
}

// Of parts that stay, nothing is looked at but what does not count any more or again.
func TestBesideLeavesOutWhatStays(t *testing.T) {
	parts, fragments := twoParts()
	whole := func(own, without []int) *Config {
		c, err := Assemble(&Config{Parts: parts, Routes: numbered(own...), Superseded: []Superseded{{"routes-2", without}}}, fragments)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	before, now := whole([]int{8}, []int{1, 3}), whole([]int{7, 6}, []int{1, 2})
	if got := before.RoutePieces().Beside(now.RoutePieces()); len(got) != 2 || got[0].Name != "8" || got[1].Name != "7" {
		t.Errorf("got %v", got)
	}
	if got := now.RoutePieces().Beside(before.RoutePieces()); len(got) != 3 || got[2].Name != "8" {
		t.Errorf("got %v", got)
	}
	if !now.BackendPieces().Same(before.BackendPieces()) || now.RoutePieces().Same(before.RoutePieces()) {
		t.Error("the backends have changed, or the routes have not")
	}
}
