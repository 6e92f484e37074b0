package main

import (
	"slices"
	"testing"
	"time"
)

func TestShares(t *testing.T) {
	before := map[string]time.Duration{"etcd": 10 * time.Second, "echo": 9 * time.Second, "idle": time.Minute}
	after := map[string]time.Duration{"etcd": 14 * time.Second, "echo": 3 * time.Second, "idle": time.Minute, "new": 6 * time.Second}
	want := []share{{"new", 6 * time.Second}, {"etcd", 4 * time.Second}}
	if got := shares(before, after); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestProgramsKnowThisOne(t *testing.T) {
	taken, err := programs()
	if err != nil || len(taken) == 0 {
		t.Errorf("there are %d programs: %v", len(taken), err)
	}
}
