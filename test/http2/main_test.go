package http2

import (
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
)

func TestMain(m *testing.M) {
	enableConnect()
	edge.Main(m)
}
