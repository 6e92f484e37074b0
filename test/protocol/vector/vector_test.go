package vector

import "testing"

func TestTablesAreSound(t *testing.T) {
	seen := map[string]bool{}
	all := All()
	for _, v := range all {
		if seen[v.Name] {
			t.Errorf("%s: twice", v.Name)
		}
		seen[v.Name] = true
		if v.Verdict == Pass && len(v.Want) == 0 {
			t.Errorf("%s: passes as nothing", v.Name)
		}
		if v.Verdict != Pass && len(v.Gone)+len(v.Kept) > 0 {
			t.Errorf("%s: fields of what does not pass", v.Name)
		}
	}
	if len(all) < 2000 {
		t.Errorf("%d vectors", len(all))
	}
	for _, r := range Responses() {
		if r.Verdict != Break && r.Status == 0 {
			t.Errorf("%s: no status", r.Name)
		}
	}
}
