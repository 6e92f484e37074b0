module github.com/fleetgate/fleetgate/test/protocol

go 1.27.0

replace (
	github.com/fleetgate/fleetgate => ../../
	github.com/fleetgate/fleetgate/test => ../
)

require (
	github.com/coder/websocket v1.8.15
	github.com/fleetgate/fleetgate v0.0.0-00010101000000-000000000000
	github.com/fleetgate/fleetgate/test v0.0.0-00010101000000-000000000000
	github.com/gobwas/ws v1.5.0
	github.com/gorilla/websocket v1.5.3
	go.yaml.in/yaml/v3 v3.0.5
	golang.org/x/net v0.62.0
)

require (
	github.com/gobwas/httphead v0.1.0 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.2 // indirect
	github.com/prometheus/common v0.70.0 // indirect
	github.com/prometheus/procfs v0.21.1 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)
