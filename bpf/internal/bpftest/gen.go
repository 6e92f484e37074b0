package bpftest

//go:generate go run github.com/cilium/ebpf/cmd/bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 -type bucket_test -type record_test Testing ../../programs/testing.bpf.c -- -I../../headers -O2 -Wall -Werror
