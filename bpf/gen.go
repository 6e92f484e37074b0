package bpf

//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -type scope -type counter -type part -type request -type ending L7 programs/l7.bpf.c -- -Iheaders -O2 -Wall -Werror
//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -type side -type close_reason -type failure_reason -type flow_key -type flow -type endpoint -type socket_facts L4 programs/l4.bpf.c -- -Iheaders -O2 -Wall -Werror
