module github.com/fleetgate/fleetgate/test/cluster/components/pause

go 1.26.0
