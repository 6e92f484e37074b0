package main

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

func TestParseSchedstat(t *testing.T) {
	tests := []struct {
		line string
		want time.Duration
		ok   bool
	}{
		{"1234567 89 10\n", 1234567, true},
		{"0 0 0\n", 0, true},
		{"", 0, false},
		{"1234567 89\n", 0, false},
		{"x 89 10\n", 0, false},
	}
	for _, test := range tests {
		got, err := parseSchedstat(test.line)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("parseSchedstat(%q) = %v, %v", test.line, got, err)
		}
	}
}

func TestParseStat(t *testing.T) {
	tests := []struct {
		line string
		want stat
		ok   bool
	}{
		{"42 (nginx) S 7 42 42 0", stat{42, 7, "S"}, true},
		{"42 (a) R 9) S 7 42", stat{42, 7, "S"}, true},
		{"42 nginx S 7", stat{}, false},
		{"42 (nginx) S", stat{}, false},
	}
	for _, test := range tests {
		got, err := parseStat(test.line)
		if (err == nil) != test.ok {
			t.Errorf("parseStat(%q): error %v", test.line, err)
		}
		if test.ok && got != test.want {
			t.Errorf("parseStat(%q) = %+v, want %+v", test.line, got, test.want)
		}
	}
}

// What runs the test has something to do.
func TestRunnable(t *testing.T) {
	if got, err := runnable(os.Getpid()); !got || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	sleeper := exec.Command("sleep", "60")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = sleeper.Process.Kill()
		_ = sleeper.Wait()
	}()
	for end := time.Now().Add(startTimeout); ; time.Sleep(time.Millisecond) {
		got, err := runnable(sleeper.Process.Pid)
		if err != nil || time.Now().After(end) {
			t.Fatalf("got %v, %v of what sleeps", got, err)
		}
		if !got {
			return
		}
	}
}

func TestWalkVisitsAProcessAndItsDescendantsOnly(t *testing.T) {
	parents := map[int]int{2: 1, 3: 2, 4: 3, 5: 1}
	sum := 0
	if err := walk(2, parents, func(pid int) error { sum += pid; return nil }); err != nil {
		t.Fatal(err)
	}
	if sum != 2+3+4 {
		t.Errorf("the numbers of the visited add up to %d, want 9", sum)
	}
}

func TestParseRssAnon(t *testing.T) {
	tests := []struct {
		status string
		want   int64
		ok     bool
	}{
		{"VmRSS:\t    9000 kB\nRssAnon:\t    2048 kB\nRssFile:\t 1 kB\n", 2 << 20, true},
		{"VmRSS:\t    9000 kB\n", 0, false},
		{"RssAnon:\t much\n", 0, false},
	}
	for _, test := range tests {
		got, err := parseRssAnon(test.status)
		if got != test.want || (err == nil) != test.ok {
			t.Errorf("parseRssAnon(%q) = %d, %v", test.status, got, err)
		}
	}
}

func TestVersionOf(t *testing.T) {
	tests := []struct{ name, said, want string }{
		{"nginx", "nginx version: nginx/1.22.1", "nginx 1.22.1"},
		{"HAProxy", "HAProxy version 2.6.12-1+deb12u4 2026/01/02 - https://haproxy.org/", "HAProxy 2.6.12-1+deb12u4"},
		{"gcc", "12.2.0", "gcc 12.2.0"},
		{"wrk", "", "wrk of unknown version"},
	}
	for _, test := range tests {
		if got := versionOf(test.name, test.said); got != test.want {
			t.Errorf("versionOf(%q) = %q, want %q", test.said, got, test.want)
		}
	}
}

func TestCPUModel(t *testing.T) {
	if got := cpuModel("processor\t: 0\nmodel name\t: AMD EPYC\n"); got != "AMD EPYC" {
		t.Errorf("got %q", got)
	}
	if got := cpuModel(""); got != "unknown CPU" {
		t.Errorf("got %q of nothing", got)
	}
}
