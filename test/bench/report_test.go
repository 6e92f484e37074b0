package main

import (
	"strings"
	"testing"
)

func TestTheDocumentSaysWhatIsMissing(t *testing.T) {
	f := newFindings()
	f.rounds[turned] = results{small64: {nameFleetgate: samplesOf(11)}}
	f.rounds[steady] = results{idlePlain: {nameFleetgate: {{bytes: 9}}}}
	f.absent = []string{`Fleetgate in "TLS handshake": connection refused`}
	got := tablesOf(options{idle: 5}, &facts{Missing: []string{"Caddy: no network"}}, []*findings{f})
	for _, want := range []string{
		"## The bars\n", "not measured", "Memory of an idle connection, from 5 to 15\n",
		"\n- Caddy: no network\n", "\n- Fleetgate in \"TLS handshake\": connection refused\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
}

func TestTheIntroductionSaysWhatCanBeTold(t *testing.T) {
	got := introductionOf(options{rounds: 5, seconds: 1, idle: 3000}, &facts{})
	for _, want := range []string{
		"turns of\n100 ms", "5 rounds of turns take 1 s for each proxy", "less than 174 bytes", "nor 873 with TLS",
		"One of 0.02 per request", "some 5000 may be", "is 0.005 per request",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "%!") {
		t.Errorf("an argument is wrong in\n%s", got)
	}
}

// Profiles explain what missed; those of the rest would only fill the page.
func TestProfilesOfMissedBarsAlone(t *testing.T) {
	f := newFindings()
	f.rounds[turned] = results{
		small64:  {nameFleetgate: samplesOf(20), nameNginx: samplesOf(10)},
		small512: {nameFleetgate: samplesOf(5), nameNginx: samplesOf(10)},
	}
	lines := []profileLine{{Function: "tcp_sendmsg", Share: 0.125, Kernel: true}, {Function: "main.main", Share: 0.1}}
	f.profiles = map[string][]profileLine{small64: lines, small512: lines}
	got := profileTables(options{}, f)
	if len(got) != 1 || !strings.HasSuffix(got[0].title, small64) {
		t.Fatalf("got %+v", got)
	}
	for _, want := range []string{"| 12.5 % | kernel | tcp_sendmsg |", "| 10.0 % | proxy  | main.main   |"} {
		if !strings.Contains(got[0].markdown(), want) {
			t.Errorf("%q is missing in\n%s", want, got[0].markdown())
		}
	}
}

func TestOnlySelectsWorkloadsAndTheirBars(t *testing.T) {
	o, err := parse([]string{"-only", "h2c|idle"})
	if err != nil || o.out != "" {
		t.Fatalf("got %+v, %v", o, err)
	}
	for _, row := range barsTable(o, newFindings()).rows {
		if !strings.Contains(row[0], "h2c") && !strings.Contains(row[0], "idle") {
			t.Errorf("got a bar on %q", row[0])
		}
	}
	if _, err := parse([]string{"-only", "("}); err == nil {
		t.Error("a pattern that is none was taken")
	}
}
