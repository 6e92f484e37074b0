package peer

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/protocol/recorder"
)

func TestKindsSayWhatTheyUnderstood(t *testing.T) {
	origin := recorder.Start(t, recorder.Echo).Addr()
	for _, k := range Kinds {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			answer, err := http.Post("http://"+k.Start(t, origin)+"/a%2Fb?c", "", strings.NewReader("xyz"))
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			var got recorder.Understood
			if err := json.NewDecoder(answer.Body).Decode(&got); err != nil {
				t.Fatal(answer.Status, err)
			}
			if got.Method != "POST" || got.Target != "/a%2Fb?c" || got.Body != "78797a" || got.Host != answer.Request.URL.Host {
				t.Errorf("got %+v", got)
			}
		})
	}
}
