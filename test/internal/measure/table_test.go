package measure

import "testing"

func TestTableAlignsItsColumns(t *testing.T) {
	got := Table([]string{"", "bar"}, [][]string{{"mean", "≤ 1 s"}, {"a longer one", ""}})
	want := `|              | bar   |
| ------------ | ----- |
| mean         | ≤ 1 s |
| a longer one |       |
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
