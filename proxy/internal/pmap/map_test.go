package pmap

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// drawEdit changes a map and what it should be in the same way.
func drawEdit(t *rapid.T, m Map[string, int], want map[string]int) Map[string, int] {
	e := m.Edit()
	for range rapid.IntRange(0, 60).Draw(t, "changes") {
		key := fmt.Sprint(rapid.IntRange(0, 80).Draw(t, "key"))
		if rapid.IntRange(0, 2).Draw(t, "delete") == 0 {
			e.Delete(key)
			delete(want, key)
			continue
		}
		value := rapid.Int().Draw(t, "value")
		e.Set(key, value)
		want[key] = value
		if got, ok := e.Get(key); !ok || got != value {
			t.Fatalf("%s is %d, %v after it was set to %d", key, got, ok, value)
		}
	}
	return e.Map()
}

// Every version has what was set and not deleted, and keeps it whatever comes after.
func TestEveryVersionStaysAsItIs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		versions, wants := []Map[string, int]{{}}, []map[string]int{{}}
		for range rapid.IntRange(1, 8).Draw(t, "versions") {
			from := rapid.IntRange(0, len(versions)-1).Draw(t, "from")
			want := maps.Clone(wants[from])
			versions, wants = append(versions, drawEdit(t, versions[from], want)), append(wants, want)
		}
		for i := range versions {
			got := maps.Collect(versions[i].All())
			if !maps.Equal(got, wants[i]) || versions[i].Len() != len(wants[i]) {
				t.Fatalf("version %d is %v of %d, and should be %v", i, got, versions[i].Len(), wants[i])
			}
			for key := range 81 {
				text := fmt.Sprint(key)
				want, there := wants[i][text]
				if got, ok := versions[i].Get(text); ok != there || got != want {
					t.Fatalf("version %d: %s is %d, %v", i, text, got, ok)
				}
				if got, ok := GetBytes(&versions[i], []byte(text)); ok != there || got != want {
					t.Fatalf("version %d: %s is %d, %v as bytes", i, text, got, ok)
				}
			}
		}
	})
}

// A map that was large is not walked through for ever.
func TestChunksFollowTheNumberOfKeys(t *testing.T) {
	var m Map[int, int]
	e := m.Edit()
	for i := range 10_000 {
		e.Set(i, i)
	}
	large := e.Map()
	e = large.Edit()
	for i := range 9_990 {
		e.Delete(i)
	}
	small := e.Map()
	if small.Len() != 10 || small.last >= 4 || large.Len() != 10_000 {
		t.Errorf("%d keys lie in %d chunks", small.Len(), small.last+1)
	}
}

// Versions of a map that has many pages share those that no change between them is about.
func TestVersionsOfManyKeysStayAsTheyAre(t *testing.T) {
	const keys = 5000
	random := rand.New(rand.NewPCG(1, 2))
	versions, wants := []Map[int, int]{{}}, []map[int]int{{}}
	for i := range 30 {
		last := len(versions) - 1
		e, want := versions[last].Edit(), maps.Clone(wants[last])
		changes := 3
		if i%10 == 0 {
			changes = keys
		}
		for range changes {
			key := random.IntN(keys)
			if random.IntN(3) == 0 {
				e.Delete(key)
				delete(want, key)
				continue
			}
			value := random.Int()
			e.Set(key, value)
			want[key] = value
		}
		versions, wants = append(versions, e.Map()), append(wants, want)
	}
	for i := range versions {
		if got := maps.Collect(versions[i].All()); !maps.Equal(got, wants[i]) || versions[i].Len() != len(wants[i]) {
			t.Errorf("version %d has not what it was given", i)
		}
		for key := range keys {
			want, there := wants[i][key]
			if got, ok := versions[i].Get(key); ok != there || got != want {
				t.Fatalf("version %d: %d is %d, %v", i, key, got, ok)
			}
		}
	}
}

// BenchmarkSet is what one change of a map costs.
func BenchmarkSet(b *testing.B) {
	for _, n := range []int{100, 5000, 40000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var m Map[int, int]
			e := m.Edit()
			for i := range n {
				e.Set(i, i)
			}
			m = e.Map()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				e := m.Edit()
				e.Set(i%n, i)
				m = e.Map()
			}
		})
	}
}

func BenchmarkGetBytes(b *testing.B) {
	for _, n := range []int{1, 100, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var m Map[string, int]
			e := m.Edit()
			var keys [][]byte
			for i := range n {
				key := fmt.Sprintf("h%d.example.com", i)
				e.Set(key, i)
				keys = append(keys, []byte(key))
			}
			m = e.Map()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, ok := GetBytes(&m, keys[i%n]); !ok {
					b.Fatal("it is not there")
				}
			}
		})
	}
}
