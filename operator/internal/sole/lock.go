package sole

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// labelPrefix is that of the labels by which a lease names the namespaces that its holder
// serves. One without such labels serves all.
const labelPrefix = "watch.fleetgate.io/"

// lookPause is the time between two looks of who has the lease, and renews it more often.
const lookPause = 10 * time.Second

// Labels are those of the lease of an operator that serves the namespaces; none stand for
// all.
func Labels(namespaces []string) map[string]string {
	labels := make(map[string]string, len(namespaces))
	for _, namespace := range namespaces {
		labels[labelPrefix+namespace] = "true"
	}
	return labels
}

// Options are what a Lock works with. All fields are required.
type Options struct {
	// Lease is the lock of this install, in its Namespace.
	Lease     resourcelock.Interface
	Namespace string
	// Watches are the namespaces that it serves; none stand for all.
	Watches []string
	// Leases lists the leases of that name in all namespaces.
	Leases func(context.Context) (*coordinationv1.LeaseList, error)
	Log    logr.Logger
	Now    func() time.Time
}

// Lock is the lease of an install, which is not to be had while another install is at
// work. It is safe for concurrent use as far as Standing is concerned.
type Lock struct {
	resourcelock.Interface
	opts Options

	mu sync.Mutex
	// held says that this process has the lease, looked when it has seen that it may, and
	// back who it stands back for.
	held   bool
	looked time.Time
	back   string
}

// New returns a Lock.
func New(opts Options) *Lock { return &Lock{Interface: opts.Lease, opts: opts} }

// Get implements resourcelock.Interface. Where another replica of this install has the
// lease, it is not for this one to stand back.
func (l *Lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err != nil {
		return record, raw, err
	}
	if spec := resourcelock.LeaderElectionRecordToLeaseSpec(record); record.HolderIdentity != l.Identity() && l.alive(&spec) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.back = ""
	}
	return record, raw, nil
}

// Create implements resourcelock.Interface.
func (l *Lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, record, l.Interface.Create)
}

// Update implements resourcelock.Interface. It acquires the lease, renews it, or gives it
// back.
func (l *Lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, record, l.Interface.Update)
}

func (l *Lock) write(ctx context.Context, record resourcelock.LeaderElectionRecord, write func(context.Context, resourcelock.LeaderElectionRecord) error) error {
	ours := record.HolderIdentity == l.Identity()
	if ours && l.due() {
		if err := l.look(ctx); err != nil {
			return err
		}
	}
	if err := write(ctx, record); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = ours
	return nil
}

// Standing returns an error while this install stands back for another one.
func (l *Lock) Standing() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.back == "" {
		return nil
	}
	return standsBack(l.back)
}

func standsBack(namespace string) error {
	return fmt.Errorf("the operator in namespace %s is at work on the same Gateways; this one waits for its end", namespace)
}

// due says whether it is time to look.
func (l *Lock) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.held || l.opts.Now().Sub(l.looked) >= lookPause
}

// look returns an error where the lease is not to be had for another install's sake.
func (l *Lock) look(ctx context.Context) error {
	list, err := l.opts.Leases(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case apierrors.IsForbidden(err), err != nil && l.held:
		// Rights that an older version had do not do for this; it is no reason to stop.
		return nil
	case err != nil:
		return fmt.Errorf("looking for other installs: %w", err)
	}
	before := l.back
	if l.back = l.inTheWay(list.Items); l.back == "" {
		l.looked = l.opts.Now()
		return nil
	}
	err = standsBack(l.back)
	if l.back != before {
		l.opts.Log.Error(err, "Another install of the operator is in the way")
	}
	return err
}

// inTheWay returns the namespace of the install that this one has to stand back for, or
// nothing.
func (l *Lock) inTheWay(leases []coordinationv1.Lease) string {
	slices.SortFunc(leases, func(a, b coordinationv1.Lease) int {
		return cmp.Or(a.CreationTimestamp.Time.Compare(b.CreationTimestamp.Time), strings.Compare(a.Namespace, b.Namespace))
	})
	for i := range leases {
		switch lease := &leases[i]; {
		case lease.Namespace == l.opts.Namespace:
			if l.held {
				return "" // The others are younger.
			}
		case l.alive(&lease.Spec) && l.meets(lease):
			return lease.Namespace
		}
	}
	return ""
}

// alive says whether somebody holds a lease. The clocks of two machines may differ.
func (l *Lock) alive(spec *coordinationv1.LeaseSpec) bool {
	if spec.HolderIdentity == nil || *spec.HolderIdentity == "" || spec.RenewTime == nil || spec.LeaseDurationSeconds == nil {
		return false
	}
	return l.opts.Now().Before(spec.RenewTime.Add(2 * time.Duration(*spec.LeaseDurationSeconds) * time.Second))
}

// meets says whether the holder of the lease serves namespaces that this install serves.
func (l *Lock) meets(lease *coordinationv1.Lease) bool {
	all := true
	for label := range lease.Labels {
		if namespace, is := strings.CutPrefix(label, labelPrefix); is {
			if all = false; slices.Contains(l.opts.Watches, namespace) {
				return true
			}
		}
	}
	return all || len(l.opts.Watches) == 0
}
