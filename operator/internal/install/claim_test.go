package install

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

const (
	controllerName = "fleetgate.io/gateway-controller"
	leaseName      = "lease"
)

// store is the API server of several installs, with a clock that only the test moves.
type store struct {
	t *testing.T
	client.WithWatch
	now    time.Time
	writes int
	// before is called once, before the next write; unreachable has every request fail.
	before      func()
	unreachable bool
}

func newStore(t *testing.T, objects ...client.Object) *store {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, coordinationv1.AddToScheme, gatewayv1.Install} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	s := &store{t: t, now: time.Unix(1e9, 0)}
	for _, name := range []string{"a", "b"} {
		objects = append(objects, namespace(name, "uid-"+name), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: name, Name: leaseName}})
	}
	s.WithWatch = interceptor.NewClient(fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build(), interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if s.unreachable {
				return errors.New("unreachable")
			}
			return c.List(ctx, list, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if before := s.before; before != nil {
				s.before = nil
				before()
			}
			s.writes++
			return c.Patch(ctx, obj, patch, opts...)
		},
	})
	return s
}

func namespace(name, uid string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(uid)}}
}

// class is the older, the smaller its age is.
func class(name string, age int64, holder string) *gatewayv1.GatewayClass {
	class := &gatewayv1.GatewayClass{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name), CreationTimestamp: metav1.Unix(1e8+age, 0)},
		Spec:       gatewayv1.GatewayClassSpec{ControllerName: controllerName},
	}
	if holder != "" {
		class.Annotations = map[string]string{Annotation: holder}
	}
	return class
}

// process is one of an install, which leads.
func (s *store) process(namespace string) *Claim {
	elected := make(chan struct{})
	close(elected)
	return s.replica(namespace, elected)
}

func (s *store) replica(namespace string, elected <-chan struct{}) *Claim {
	return New(Options{
		Client: s, Live: s, ControllerName: controllerName, Namespace: namespace, Lease: leaseName,
		Elected: elected, StandsBack: func(string) {}, Log: logr.Discard(), Now: func() time.Time { return s.now },
	})
}

// look has a process look, and returns what it does then.
func (s *store) look(c *Claim) string {
	s.t.Helper()
	err := c.look(s.t.Context())
	switch {
	case errors.Is(err, ErrLost):
		return "ends"
	case err != nil:
		return "fails"
	case c.Standing() != nil:
		return "stands back"
	case c.isServing():
		return "serves"
	}
	return "waits"
}

func (s *store) holder(name string) string {
	s.t.Helper()
	class := &gatewayv1.GatewayClass{}
	s.must(s.Get(s.t.Context(), types.NamespacedName{Name: name}, class))
	return class.Annotations[Annotation]
}

func (s *store) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// renew renews the lease of an install.
func (s *store) renew(namespace string) {
	s.t.Helper()
	lease := &coordinationv1.Lease{}
	s.must(s.Get(s.t.Context(), types.NamespacedName{Namespace: namespace, Name: leaseName}, lease))
	renewed, leader := metav1.NewMicroTime(s.now), "leader"
	lease.Spec.RenewTime, lease.Spec.HolderIdentity = &renewed, &leader
	s.must(s.Update(s.t.Context(), lease))
}

// release gives the lease of an install back.
func (s *store) release(namespace string) {
	s.t.Helper()
	lease := &coordinationv1.Lease{}
	s.must(s.Get(s.t.Context(), types.NamespacedName{Namespace: namespace, Name: leaseName}, lease))
	lease.Spec.HolderIdentity = nil
	s.must(s.Update(s.t.Context(), lease))
}

// annotate is what a person does to the class.
func (s *store) annotate(name, holder string) {
	s.t.Helper()
	class := &gatewayv1.GatewayClass{}
	s.must(s.Get(s.t.Context(), types.NamespacedName{Name: name}, class))
	class.Annotations = map[string]string{Annotation: holder}
	s.must(s.Update(s.t.Context(), class))
}

// The stories are of two installs, of which each line is a step: what one does when it
// looks, or what happens. Two seconds pass before each, and the leases of those that live
// are renewed.
func TestOneInstallServes(t *testing.T) {
	for name, story := range map[string][]string{
		"who serves goes on to, whoever comes": {"a serves", "b stands back", "a serves", "b stands back"},
		"the end of its namespace is the other's turn": {
			"a serves", "b stands back", "a is uninstalled", "b serves", "b serves",
		},
		"so is its death, after a minute": {
			"a serves", "b stands back", "a dies", "b stands back", "50s pass", "b stands back", "10s pass", "b serves",
			"a starts", "a stands back", "b serves",
		},
		"who ends gives its lease back, and is not waited for long": {
			"a serves", "b stands back", "a gives back", "b stands back", "10s pass", "b stands back", "5s pass", "b serves",
			"a starts", "a stands back",
		},
		"a crash is no death": {
			"a serves", "b stands back", "a dies", "30s pass", "b stands back", "a starts", "a serves", "50s pass", "b stands back", "a serves",
		},
		"an upgrade is no end": {
			"a serves", "b stands back", "a gives back", "b stands back", "a starts", "b stands back", "a serves", "20s pass", "b stands back",
		},
		"while the API server is away, nobody can renew a lease": {
			"a serves", "b stands back", "a dies", "the server is away", "50s pass", "b fails", "30s pass", "the server is back",
			"b stands back", "50s pass", "b stands back", "10s pass", "b serves",
		},
		"a namespace that was made anew is another one": {
			"a serves", "b stands back", "a is uninstalled", "somebody makes a", "b serves",
		},
		"a person can hand over": {"a serves", "b stands back", "b is given it", "a ends", "b serves", "a starts", "a stands back"},
		"a person can take it away from nobody": {
			"a serves", "b stands back", "nobody is given it", "a serves", "b stands back",
		},
		"a backup may name who is no more": {
			"c is given it", "a serves", "b stands back", "a starts", "c is given it", "a serves", "b stands back",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, class("class", 1, ""))
			alive := map[string]*Claim{"a": s.process("a"), "b": s.process("b")}
			for i, step := range story {
				s.now = s.now.Add(2 * time.Second)
				for install, claim := range alive {
					if claim != nil && !s.unreachable {
						s.renew(install)
					}
				}
				if !s.happens(step, alive) {
					install, want, _ := strings.Cut(step, " ")
					if got := s.look(alive[install]); got != want {
						t.Fatalf("step %d, %q: it %s", i, step, got)
					}
				}
			}
		})
	}
}

// happens carries out a step that is nobody's look.
func (s *store) happens(step string, alive map[string]*Claim) bool {
	s.t.Helper()
	who, what, _ := strings.Cut(step, " ")
	switch what {
	case "dies":
		alive[who] = nil
	case "gives back":
		alive[who] = nil
		s.release(who)
	case "starts":
		alive[who] = s.process(who)
	case "pass":
		pause, err := time.ParseDuration(who)
		s.must(err)
		s.now = s.now.Add(pause)
	case "is given it":
		s.annotate("class", strings.TrimPrefix(who, "nobody"))
	case "is uninstalled":
		delete(alive, who)
		s.must(s.Delete(s.t.Context(), namespace(who, "")))
	case "makes a":
		s.must(s.Create(s.t.Context(), namespace("a", "another")))
	case "server is away", "server is back":
		s.unreachable = what == "server is away"
	default:
		return false
	}
	return true
}

// Of two that begin at once, the one whose write comes first serves all classes, whichever
// of them it was about to write.
func TestOfTwoThatBeginAtOnceOneServes(t *testing.T) {
	s := newStore(t, class("older", 1, ""), class("younger", 2, ""))
	a, b := s.process("a"), s.process("b")
	s.before = func() {
		if got := s.look(b); got != "serves" {
			t.Errorf("the first one %s", got)
		}
	}
	if got := s.look(a); got != "fails" {
		t.Errorf("the second one %s", got)
	}
	if got := s.look(a); got != "stands back" {
		t.Errorf("the second one %s then", got)
	}
	for _, name := range []string{"older", "younger"} {
		if got := s.holder(name); got != "b/uid-b" {
			t.Errorf("class %s is %q's", name, got)
		}
	}
}

// The oldest class decides where they name several, so that no two wait for each other.
func TestTheOldestClassDecides(t *testing.T) {
	s := newStore(t, class("oldest", 1, ""), class("older", 2, "b/uid-b"), class("younger", 3, "a/uid-a"))
	a, b := s.process("a"), s.process("b")
	if got, other := s.look(a), s.look(b); got != "stands back" || other != "serves" {
		t.Errorf("one %s, the other %s", got, other)
	}
	if got := s.holder("younger"); got != "b/uid-b" {
		t.Errorf("the younger class is %q's", got)
	}
}

func TestWhatIsTakenIsWrittenOnce(t *testing.T) {
	foreign := class("foreign", 0, "somebody")
	foreign.Spec.ControllerName = "example.com/other"
	s := newStore(t, class("class", 1, ""), foreign)
	for range 3 {
		s.look(s.process("a"))
	}
	if s.writes != 1 || s.holder("foreign") != "somebody" {
		t.Errorf("after three processes there were %d writes, and the foreign class is %q's", s.writes, s.holder("foreign"))
	}
}

// A replica that does not lead takes nothing, and is as ready as the one that does.
func TestAReplicaTakesNothing(t *testing.T) {
	s := newStore(t, class("class", 1, ""))
	replica := s.replica("b", make(chan struct{}))
	if got := s.look(replica); got != "waits" || s.writes != 0 {
		t.Errorf("beside nobody it %s, after %d writes", got, s.writes)
	}
	s.look(s.process("a"))
	if got := s.look(replica); got != "stands back" {
		t.Errorf("beside another install it %s", got)
	}
	s.annotate("class", "b")
	if got := s.look(replica); got != "waits" {
		t.Errorf("beside its own leader it %s", got)
	}
}

// Without a class there is nothing to serve, so that the first class is nobody's yet.
func TestWithoutAClassNobodyServes(t *testing.T) {
	s := newStore(t)
	a, b := s.process("a"), s.process("b")
	if got, other := s.look(a), s.look(b); got != "waits" || other != "waits" {
		t.Errorf("one %s, the other %s", got, other)
	}
	s.must(s.Create(t.Context(), class("class", 1, "")))
	if got, other := s.look(b), s.look(a); got != "serves" || other != "stands back" {
		t.Errorf("one %s, the other %s", got, other)
	}
}

// Start ends as soon as the classes are lost, and tells of another install once.
func TestStart(t *testing.T) {
	s := newStore(t, class("class", 1, ""))
	a := s.process("a")
	s.look(a)
	s.annotate("class", "b/uid-b")
	if err := a.Start(t.Context()); !errors.Is(err, ErrLost) {
		t.Errorf("who has lost the classes ends with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := 0
	back := s.process("a")
	back.opts.StandsBack = func(namespace string) {
		if told++; namespace != "b" {
			t.Errorf("it stands back for %q", namespace)
		}
		cancel()
	}
	if err := back.Start(ctx); err != nil || told != 1 {
		t.Errorf("it ends with %v, and told of another install %d times", err, told)
	}
}
