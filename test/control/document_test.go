package main

import (
	"strings"
	"testing"
	"time"
)

func TestAssembleKeepsWhatWasNotMeasured(t *testing.T) {
	titles := sections()
	first, second := titles[0].title, titles[1].title
	document := assemble("", second, "## "+second+"\n\nof an earlier run\n")
	document = assemble(document, first, "## "+first+"\n\nnew\n")
	document = assemble(document, first, "## "+first+"\n\nnewer\n")
	want := introduction + "\n## " + first + "\n\nnewer\n\n## " + second + "\n\nof an earlier run\n"
	if document != want {
		t.Errorf("got\n%s\nwant\n%s", document, want)
	}
	if gone := assemble("## of no section\n\ntext\n", first, "## "+first+"\n"); strings.Contains(gone, "of no section") {
		t.Error("what is no section any more is kept")
	}
}

func TestFigureTellsWhetherTheBarIsMet(t *testing.T) {
	for _, test := range []struct {
		figure figure
		bar    string
		value  string
		judged string
	}{
		{millis("mean", 9*time.Millisecond).atMost(10), "≤ 10 ms", "9 ms", "met"},
		{millis("mean", 10100*time.Microsecond).atMost(10), "≤ 10 ms", "10.1 ms", "missed"},
		{millis("median", time.Second), "", "1000 ms", ""},
		{count("failed", 0).atMost(0), "0", "0", "met"},
		{count("failed", 1).atMost(0), "0", "1", "missed"},
		{mebibytes("RSS", 41<<20).atMost(40), "≤ 40.0 MiB", "41.0 MiB", "missed"},
		{cores("CPU", time.Second, 4*time.Second).atMost(0.25), "≤ 0.250 cores", "0.250 cores", "met"},
		{millis("mean", 9*time.Millisecond).aimAt(10, 25, 2), "≤ 25 ms, goal 10 ms", "9 ms", "met"},
		{millis("mean", 11*time.Millisecond).aimAt(10, 25, 2), "≤ 25 ms, goal 10 ms", "11 ms", "met, not the goal"},
		{millis("mean", 26*time.Millisecond).aimAt(10, 25, 2), "≤ 25 ms, goal 10 ms", "26 ms", "missed"},
		{millis("mean", 11*time.Millisecond).aimAt(10, 25, 4), "≤ 10 ms", "11 ms", "missed"},
		{rate("allocated", 3e6, 2*time.Second).atMost(500), "≤ 500 kB/s", "1500 kB/s", "missed"},
	} {
		got := test.figure.cells()
		if got[1] != test.bar || got[2] != test.value || got[3] != test.judged {
			t.Errorf("got %q, want %q, %q, %q", got[1:4], test.bar, test.value, test.judged)
		}
	}
}

func TestSummarize(t *testing.T) {
	var times []time.Duration
	for i := range 200 {
		times = append(times, time.Duration(200-i)*time.Millisecond)
	}
	got := summarize(times)
	want := summary{mean: 100500 * time.Microsecond, median: 101 * time.Millisecond, p99: 199 * time.Millisecond, most: 200 * time.Millisecond}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{{"-routes", "0"}, {"-only", "attached,nothing"}, {"-minutes", "-1"}, {"left over"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q is no error", args)
		}
	}
	o, err := parse([]string{"-minutes", "0.5"})
	if err != nil || o.churn != 30*time.Second {
		t.Errorf("got %v and %v", o.churn, err)
	}
}
