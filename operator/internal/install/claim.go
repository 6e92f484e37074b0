package install

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Annotation of a GatewayClass names the install that serves it, as the namespace of the
// operator with its UID: fleetgate-system/9c1f0f8e-2f5b-4a53-8d0a-6f1d2d3c4b5a. The UID
// tells a namespace from a later one of the same name. A person who hands a class over to
// another install can leave it away.
const Annotation = "fleetgate.io/install"

// ReasonStandsBack is that of the Event on the lease of an install that stands back.
const ReasonStandsBack = "StandsBack"

// ErrLost is returned where another install has been given the classes. Who has served them
// so far cannot go on: what it has in hand is of the past.
var ErrLost = errors.New("another install has the classes now")

// lookPause is the time between two looks at the classes: who waits for its lease looks
// as often.
const lookPause = 2 * time.Second

// Options are what a Claim works with. All fields are required.
type Options struct {
	// Client writes to GatewayClasses, and Live reads from the API server itself.
	Client client.Writer
	Live   client.Reader
	// ControllerName is the one that GatewayClasses name.
	ControllerName string
	// Namespace is the operator's own, and Lease the name of the lease that its replicas
	// compete for, which is that of every install.
	Namespace, Lease string
	// Elected is closed when this process leads.
	Elected <-chan struct{}
	// StandsBack is told whenever there is another install to stand back for, by the
	// namespace of that.
	StandsBack func(namespace string)
	Log        logr.Logger
	Now        func() time.Time
}

// Claim is what an install has of the GatewayClasses of its controller: all of them, or
// none. It is safe for concurrent use.
type Claim struct {
	opts    Options
	serving chan struct{}
	// me is how the install is named in classes, once that is known, and seen what was
	// seen of another one's lease. These, and the classes, are of the goroutine that looks.
	me      string
	seen    sight
	classes classList

	mu sync.Mutex
	// back is the namespace of the install that this one stands back for.
	back string
}

// New returns a Claim, which does nothing before it is started.
func New(opts Options) *Claim {
	return &Claim{
		opts: opts, serving: make(chan struct{}),
		classes: classList{live: opts.Live, controller: opts.ControllerName},
	}
}

// Serving is closed once this process leads and the classes are its install's.
func (c *Claim) Serving() <-chan struct{} { return c.serving }

// Standing returns an error while this install stands back for another one.
func (c *Claim) Standing() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.back == "" {
		return nil
	}
	return fmt.Errorf("the operator in namespace %s serves the GatewayClasses of %s; this one stands back", c.back, c.opts.ControllerName)
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: that an install stands back
// shows in all of its replicas.
func (*Claim) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable. It looks at the classes until ctx ends, and returns
// ErrLost where this process cannot go on.
func (c *Claim) Start(ctx context.Context) error {
	elected, told := c.opts.Elected, ""
	for {
		err := c.look(ctx)
		if errors.Is(err, ErrLost) {
			return err
		}
		text := ""
		if err != nil && ctx.Err() == nil {
			text = err.Error()
		}
		if text != "" && text != told {
			c.opts.Log.Error(err, "Could not tell which install serves the GatewayClasses")
		}
		told = text
		select {
		case <-ctx.Done():
			return nil
		case <-elected:
			elected = nil
		case <-time.After(lookPause):
		}
	}
}

// look finds out whose the classes are, and takes them where that is this install's turn.
// Where there is no class there is nothing to serve, and nothing to take.
func (c *Claim) look(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			c.seen = sight{}
		}
	}()
	if err := c.introduce(ctx); err != nil {
		return err
	}
	classes, err := c.classes.read(ctx)
	if err != nil {
		return err
	}
	if holder := holder(classes); holder != "" && !c.names(holder) {
		gone, err := c.gone(ctx, holder)
		switch {
		case err != nil:
			return err
		case !gone && c.isServing():
			return fmt.Errorf("%w: %s", ErrLost, holder)
		case !gone:
			c.stand(namespaceOf(holder))
			return nil
		}
	}
	c.stand("")
	if !closed(c.opts.Elected) || len(classes) == 0 {
		return nil
	}
	if err := c.take(ctx, classes); err != nil {
		return err
	}
	if !c.isServing() {
		close(c.serving)
	}
	return nil
}

// introduce finds the name of this install.
func (c *Claim) introduce(ctx context.Context) error {
	if c.me != "" {
		return nil
	}
	namespace := &corev1.Namespace{}
	if err := c.opts.Live.Get(ctx, types.NamespacedName{Name: c.opts.Namespace}, namespace); err != nil {
		return fmt.Errorf("reading the operator's namespace: %w", err)
	}
	c.me = namespace.Name + "/" + string(namespace.UID)
	return nil
}

// names says whether a class is this install's by its annotation.
func (c *Claim) names(holder string) bool { return holder == c.me || holder == c.opts.Namespace }

// holder is who has the classes, or "" if nobody has. The oldest class that names somebody
// decides for all, so that no two installs wait for each other.
func holder(classes []gatewayv1.GatewayClass) string {
	for i := range classes {
		if name := classes[i].Annotations[Annotation]; name != "" {
			return name
		}
	}
	return ""
}

// take writes the install's name into all classes, the oldest first. Of two installs that
// do so at once, one has a conflict at the first class, and finds the other's name there.
func (c *Claim) take(ctx context.Context, classes []gatewayv1.GatewayClass) error {
	for i := range classes {
		before := &classes[i]
		if before.Annotations[Annotation] == c.me {
			continue
		}
		after := before.DeepCopy()
		if after.Annotations == nil {
			after.Annotations = make(map[string]string)
		}
		after.Annotations[Annotation] = c.me
		patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
		if err := c.opts.Client.Patch(ctx, after, patch); err != nil {
			return fmt.Errorf("taking GatewayClass %s: %w", before.Name, err)
		}
		c.opts.Log.Info("Took a GatewayClass", "class", before.Name, "from", before.Annotations[Annotation])
	}
	return nil
}

// stand notes for whom this install stands back, or that it does not.
func (c *Claim) stand(back string) {
	c.mu.Lock()
	before := c.back
	c.back = back
	c.mu.Unlock()
	if back != "" && back != before {
		c.opts.Log.Info("Stands back for another install", "controller", c.opts.ControllerName, "namespace", back)
		c.opts.StandsBack(back)
	}
}

func (c *Claim) isServing() bool { return closed(c.serving) }

func closed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}
