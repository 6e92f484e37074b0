package fairqueue

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func request(namespace, name string) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

// all pops what may be worked on. Nothing of it is done.
func (o *order) all() []string {
	var popped []string
	for o.Len() > 0 {
		popped = append(popped, o.Pop().String())
	}
	return popped
}

func TestNamespacesTakeTurns(t *testing.T) {
	o := newOrder(100, 100)
	for _, r := range []reconcile.Request{
		request("crowd", "a"), request("crowd", "b"), request("crowd", "c"), request("shop", "x"), request("mail", "y"), request("shop", "z"),
	} {
		o.Push(r)
	}
	want := []string{"crowd/a", "shop/x", "mail/y", "crowd/b", "shop/z", "crowd/c"}
	if diff := cmp.Diff(want, o.all()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestANamespaceGetsNoMoreThanItsPart(t *testing.T) {
	o := newOrder(2, 2)
	for i := range 5 {
		o.Push(request("crowd", fmt.Sprint(i)))
	}
	if diff := cmp.Diff([]string{"crowd/0", "crowd/1"}, o.all()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	o.Push(request("shop", "x"))
	if diff := cmp.Diff([]string{"shop/x"}, o.all()); diff != "" {
		t.Errorf("beside it (-want +got):\n%s", diff)
	}
	o.done(request("crowd", "0"))
	if diff := cmp.Diff([]string{"crowd/2"}, o.all()); diff != "" {
		t.Errorf("when one is done (-want +got):\n%s", diff)
	}
}

func TestWhatCannotWaitGoesFirst(t *testing.T) {
	o := newOrder(100, 100)
	for _, name := range []string{"a", "b"} {
		for _, namespace := range []string{"x", "y"} {
			o.ask(request(namespace, name), false)
			o.Push(request(namespace, name))
		}
	}
	o.Push(request("z", "new"))
	// Of these four, one is asked for again by somebody who can wait, and one by
	// somebody who cannot.
	o.ask(request("x", "a"), false)
	o.Touch(request("x", "a"))
	o.ask(request("y", "b"), true)
	o.Touch(request("y", "b"))
	// Whoever cannot wait and whoever can may ask at once, in any order.
	for name, first := range map[string]bool{"1": true, "2": false} {
		o.ask(request("z", name), first)
		o.ask(request("z", name), !first)
	}
	o.Push(request("z", "1"))
	o.Push(request("z", "2"))
	want := []string{"z/new", "y/b", "z/1", "z/2", "x/a", "y/a", "x/b"}
	if diff := cmp.Diff(want, o.all()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(o.asked) > 0 {
		t.Errorf("it remembers %v", o.asked)
	}
}

// wait adds a request that can wait.
func (o *order) wait(r reconcile.Request) {
	o.ask(r, false)
	o.Push(r)
}

func TestWhatCanWaitLeavesWorkersToWhatCannot(t *testing.T) {
	o := newOrder(100, 2)
	for i := range 5 {
		o.wait(request(fmt.Sprint(i), "new"))
	}
	if diff := cmp.Diff([]string{"0/new", "1/new"}, o.all()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	o.Push(request("shop", "x"))
	if diff := cmp.Diff([]string{"shop/x"}, o.all()); diff != "" {
		t.Errorf("beside them (-want +got):\n%s", diff)
	}
	o.done(request("shop", "x"))
	if o.Len() != 0 {
		t.Error("the end of one that could not wait lets another begin that can")
	}
	o.done(request("0", "new"))
	if diff := cmp.Diff([]string{"2/new"}, o.all()); diff != "" {
		t.Errorf("when one is done (-want +got):\n%s", diff)
	}
}

func TestWhatCanWaitHasItsTurnInTheEnd(t *testing.T) {
	o := newOrder(100, 1)
	o.wait(request("new", "x"))
	for i := range 3 * mostPassed {
		o.Push(request("busy", fmt.Sprint(i)))
	}
	if at := slices.Index(o.all(), "new/x"); at != mostPassed {
		t.Errorf("%d go before it, want %d", at, mostPassed)
	}
}

// Whatever is added and done in whatever order: each request comes once for each time
// that it was pushed, no namespace has more than its part, and one that could have its
// turn sees no other have two.
func TestOrderKeepsItsPromises(t *testing.T) {
	const most, namespaces = 3, 6
	random := rand.New(rand.NewPCG(1, 2))
	o, waits := newOrder(most, 1), map[reconcile.Request]bool{}
	var waiting, running [namespaces]int
	// passed counts the turns of others that a namespace has seen while it could have
	// had its own.
	var passed [namespaces][namespaces]int
	var worked []reconcile.Request
	number := func(r reconcile.Request) int { return int(r.Namespace[0] - '0') }
	for step := range 50_000 {
		switch r := request(fmt.Sprint(random.IntN(namespaces)), fmt.Sprint(random.IntN(40))); {
		case random.IntN(3) == 0 && waits[r]:
			o.Touch(r)
		case random.IntN(3) == 0 && !waits[r]:
			o.Push(r)
			waits[r] = true
			waiting[number(r)]++
		case random.IntN(2) == 0 && len(worked) > 0:
			at := random.IntN(len(worked))
			o.done(worked[at])
			running[number(worked[at])]--
			worked = slices.Delete(worked, at, at+1)
		case o.Len() > 0:
			got := o.Pop()
			if !waits[got] {
				t.Fatalf("step %d: %s does not wait", step, got)
			}
			for i := range namespaces {
				if i == number(got) || waiting[i] == 0 || running[i] == most {
					passed[i] = [namespaces]int{}
				} else if passed[i][number(got)]++; passed[i][number(got)] > 1 {
					t.Fatalf("step %d: %d has its turn again, and %d waits", step, number(got), i)
				}
			}
			delete(waits, got)
			waiting[number(got)]--
			if running[number(got)]++; running[number(got)] > most {
				t.Fatalf("step %d: %d requests of %s are worked on", step, running[number(got)], got.Namespace)
			}
			worked = append(worked, got)
		case slices.ContainsFunc(slices.Collect(maps.Keys(waits)), func(r reconcile.Request) bool { return running[number(r)] < most }):
			t.Fatalf("step %d: it has nothing, and there is something", step)
		}
	}
	if len(waits) == 0 || o.pressing.size != len(waits) {
		t.Errorf("%d requests wait, want %d", o.pressing.size, len(waits))
	}
}
