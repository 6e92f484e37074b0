package main

import "testing"

func TestParseCount(t *testing.T) {
	if got, err := parseCount([]byte{0, 0, 0, 0, 0, 0, 0, 0}); got != 0 || err != nil {
		t.Errorf("got %d, %v", got, err)
	}
	if _, err := parseCount(nil); err == nil {
		t.Error("nothing was taken for a count")
	}
}
