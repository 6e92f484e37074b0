package cluster

import (
	"context"
	"errors"
	"net/url"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	toolscache "k8s.io/client-go/tools/cache"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// server answers lists and watches with an error until a time.
type server struct {
	err   error
	until time.Time
	asks  int
}

func (s *server) answer() error {
	s.asks++
	if time.Now().Before(s.until) {
		return s.err
	}
	return nil
}

func (s *server) listerWatcher() toolscache.ListerWatcherWithContext {
	return insistent(&toolscache.ListWatch{
		ListWithContextFunc: func(context.Context, metav1.ListOptions) (runtime.Object, error) {
			return &gatewayv1.GatewayList{}, s.answer()
		},
		WatchFuncWithContext: func(context.Context, metav1.ListOptions) (watch.Interface, error) {
			return watch.NewFake(), s.answer()
		},
	})
}

var (
	refused = &url.Error{Op: "Get", URL: "https://10.96.0.1", Err: syscall.ECONNREFUSED}
	notYet  = apierrors.NewServiceUnavailable("starting")
	filling = apierrors.NewTooManyRequests("storage is (re)initializing", 1)
	denied  = apierrors.NewForbidden(schema.GroupResource{Resource: "gateways"}, "", errors.New("no role is known"))
)

// However long, or however often, the API server was away: it is asked again within two
// seconds of its return.
func TestInformersAreBackSoonAfterTheAPIServer(t *testing.T) {
	for _, tt := range []struct {
		outage  error
		lengths []time.Duration
	}{
		{refused, []time.Duration{time.Second, time.Minute, time.Hour}},
		{notYet, []time.Duration{time.Second, time.Minute}},
		{filling, []time.Duration{time.Second, time.Minute}},
		{denied, []time.Duration{time.Second, ignorance - time.Second, time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &server{err: tt.outage}
			lw := s.listerWatcher()
			for _, length := range tt.lengths {
				s.until = time.Now().Add(length)
				if _, err := lw.ListWithContext(t.Context(), metav1.ListOptions{}); err != nil {
					t.Fatal(err)
				}
				w, err := lw.WatchWithContext(t.Context(), metav1.ListOptions{})
				if err != nil {
					t.Fatal(err)
				}
				w.Stop()
				if late := time.Since(s.until); late < 0 || late > 2*longestPause {
					t.Errorf("after an outage of %v it is heard of after %v", length, late)
				}
			}
		})
	}
}

// An API server that is away is not asked all the time.
func TestInformersPauseMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{err: refused, until: time.Now().Add(time.Hour)}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		lw := s.listerWatcher()
		if _, err := lw.WatchWithContext(ctx, metav1.ListOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it ends with %v, want the context's error", err)
		}
		if s.asks < 30 || s.asks > 70 {
			t.Errorf("it was asked %d times in a minute", s.asks)
		}
	})
}

// An operator that may not watch a kind hears of that, if not at once.
func TestInformersHearThatTheyMayNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &server{err: denied, until: began.Add(time.Hour)}
		lw := s.listerWatcher()
		if _, err := lw.ListWithContext(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
			t.Errorf("it ends with %v", err)
		}
		if after := time.Since(began); after < ignorance || after > ignorance+2*longestPause {
			t.Errorf("it is heard of after %v, want %v", after, ignorance)
		}
	})
}

// What an API server answers is the informer's to judge.
func TestInformersHearOfAnswers(t *testing.T) {
	s := &server{until: time.Now().Add(time.Hour)}
	lw := s.listerWatcher()
	for _, err := range []error{
		apierrors.NewResourceExpired("too old"), apierrors.NewNotFound(schema.GroupResource{Resource: "gateways"}, ""), apierrors.NewInternalError(errors.New("broken")), nil,
	} {
		s.err, s.asks = err, 0
		if _, got := lw.ListWithContext(t.Context(), metav1.ListOptions{}); !errors.Is(got, err) || s.asks != 1 {
			t.Errorf("%v became %v after %d times", err, got, s.asks)
		}
	}
}
