package atonce

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDoKeepsToTheOrderAndTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failure := errors.New("of the second")
		slow := func(err error) func() error {
			return func() error {
				time.Sleep(time.Second)
				return err
			}
		}
		began := time.Now()
		errs := Do(2, []func() error{slow(nil), slow(failure), slow(nil), slow(nil), slow(nil)})
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("five calls of a second, two at a time, took %v", took)
		}
		for i, err := range errs {
			if want := map[int]error{1: failure}[i]; !errors.Is(err, want) {
				t.Errorf("call %d: got %v, want %v", i, err, want)
			}
		}
	})
}

func TestAPanicIsAnErrorOfItsCall(t *testing.T) {
	errs := Do(1, []func() error{func() error { panic("of the first") }, func() error { return nil }})
	if errs[0] == nil || !strings.Contains(errs[0].Error(), "of the first") || errs[1] != nil {
		t.Errorf("got %v", errs)
	}
}
