package sole_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"github.com/fleetgate/fleetgate/operator/internal/sole"
)

const lasts = 15 * time.Second

// cluster has the leases of installs, by their namespaces.
type cluster struct {
	now    time.Time
	leases map[string]*coordinationv1.Lease
	fails  error
	pods   int
}

// lease is that of one install, without a lock's care for others.
type lease struct {
	resourcelock.Interface
	*cluster
	namespace string
	watches   []string
	pod       string
}

func (l *lease) Identity() string { return l.pod }

func (l *lease) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	return resourcelock.LeaseSpecToLeaderElectionRecord(&l.leases[l.namespace].Spec), nil, nil
}

func (l *lease) Create(_ context.Context, record resourcelock.LeaderElectionRecord) error {
	l.leases[l.namespace] = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
		Namespace: l.namespace, CreationTimestamp: metav1.NewTime(l.now), Labels: sole.Labels(l.watches),
	}}
	return l.Update(nil, record)
}

func (l *lease) Update(_ context.Context, record resourcelock.LeaderElectionRecord) error {
	l.leases[l.namespace].Spec = resourcelock.LeaderElectionRecordToLeaseSpec(&record)
	return nil
}

func (c *cluster) install(namespace string, watches ...string) *sole.Lock {
	c.pods++
	return sole.New(sole.Options{
		Lease: &lease{cluster: c, namespace: namespace, watches: watches, pod: fmt.Sprint("pod-", c.pods)}, Namespace: namespace, Watches: watches,
		Leases: func(context.Context) (*coordinationv1.LeaseList, error) {
			list := &coordinationv1.LeaseList{}
			for _, lease := range c.leases {
				list.Items = append(list.Items, *lease)
			}
			return list, c.fails
		},
		Log: logr.Discard(), Now: func() time.Time { return c.now },
	})
}

// lead has an install try to have its lease, or to keep it, and returns whether it does.
func (c *cluster) lead(lock *sole.Lock, namespace string) bool {
	record := resourcelock.LeaderElectionRecord{
		HolderIdentity: lock.Identity(), RenewTime: metav1.NewTime(c.now), LeaseDurationSeconds: int(lasts / time.Second),
	}
	write := lock.Update
	if c.leases[namespace] == nil {
		write = lock.Create
	}
	return write(context.Background(), record) == nil
}

// release gives the lease back, as an operator does that ends.
func (c *cluster) release(t *testing.T, lock *sole.Lock) {
	t.Helper()
	if err := lock.Update(t.Context(), resourcelock.LeaderElectionRecord{LeaseDurationSeconds: 1, RenewTime: metav1.NewTime(c.now)}); err != nil {
		t.Fatal(err)
	}
}

func newCluster() *cluster {
	return &cluster{now: time.Unix(1e9, 0), leases: make(map[string]*coordinationv1.Lease)}
}

// TestOneInstallIsAtWork plays what becomes of two installs, of which each line is a step:
// whether one leads that tries to, or goes on to.
func TestOneInstallIsAtWork(t *testing.T) {
	for name, story := range map[string][]string{
		"who leads goes on to, whoever comes": {"a leads", "b stands back", "a leads", "b stands back"},
		"the end of one is the other's turn":  {"a leads", "b stands back", "a ends", "b leads", "a stands back", "b leads"},
		"so is its death":                     {"a leads", "b stands back", "a dies", "b leads", "a stands back", "b ends", "a leads"},
		"a pause is no death":                 {"a leads", "a pauses", "b stands back", "a leads"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCluster()
			installs := map[string]*sole.Lock{"a": c.install("a"), "b": c.install("b")}
			for i, step := range story {
				who, what, _ := strings.Cut(step, " ")
				lock := installs[who]
				c.now = c.now.Add(2 * time.Second)
				switch what {
				case "ends":
					c.release(t, lock)
				case "dies":
					c.now = c.now.Add(2 * lasts)
					installs[who] = c.install(who)
				case "pauses":
					c.now = c.now.Add(lasts)
				default:
					leads := c.lead(lock, who)
					if leads != (what == "leads") || leads != (lock.Standing() == nil) {
						t.Fatalf("step %d: %s: leads %t, standing: %v", i, step, leads, lock.Standing())
					}
				}
			}
		})
	}
}

// Two that have begun at the same moment, as neither saw the other's lease, come to an
// agreement: the younger lease is given up, and the other is not.
func TestOfTwoThatBeginAtOnceOneGoesOn(t *testing.T) {
	c := newCluster()
	a, b := c.install("a"), c.install("b")
	c.fails = apierrors.NewForbidden(schema.GroupResource{}, "", errors.New("blind"))
	if !c.lead(a, "a") || !c.lead(b, "b") {
		t.Fatal("who may not look does not lead")
	}
	c.fails = nil
	for range 3 {
		c.now = c.now.Add(lasts)
		if !c.lead(a, "a") || c.lead(b, "b") {
			t.Errorf("standing back are a: %v, b: %v", a.Standing(), b.Standing())
		}
	}
	c.fails = errors.New("no answer")
	if !c.lead(a, "a") {
		t.Error("who leads gives up where nobody answers")
	}
	if c.lead(c.install("c"), "c") {
		t.Error("who cannot see others begins")
	}
}

// A replica is as ready as the one of its install that leads.
func TestReplicasStandBackTogether(t *testing.T) {
	c := newCluster()
	first, second, third := c.install("a"), c.install("b"), c.install("b")
	if !c.lead(first, "a") || c.lead(second, "b") || c.lead(third, "b") || third.Standing() == nil {
		t.Fatal("the second install does not stand back")
	}
	c.release(t, first)
	if !c.lead(second, "b") {
		t.Fatal(second.Standing())
	}
	if _, _, err := third.Get(t.Context()); err != nil || third.Standing() != nil {
		t.Errorf("a replica of the one that leads stands back: %v, %v", err, third.Standing())
	}
}

func TestInstallsForOtherNamespacesAreNotInTheWay(t *testing.T) {
	for _, tt := range []struct {
		first, second []string
		both          bool
	}{
		{nil, []string{"x"}, false},
		{[]string{"x"}, nil, false},
		{[]string{"x", "y"}, []string{"y"}, false},
		{[]string{"x"}, []string{"y"}, true},
	} {
		t.Run(fmt.Sprint(tt.first, tt.second), func(t *testing.T) {
			c := newCluster()
			if !c.lead(c.install("a", tt.first...), "a") {
				t.Fatal("the first one does not lead")
			}
			if got := c.lead(c.install("b", tt.second...), "b"); got != tt.both {
				t.Errorf("the second one leads: %t", got)
			}
		})
	}
}
