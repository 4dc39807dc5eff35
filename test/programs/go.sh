#!/bin/sh
# SPDX-License-Identifier: MIT
# What: go: compiler, goroutines, http, signals; static and with cgo's libc
# Needs: go gcc
# Files: main.go
# Timeout: 150
export GOPATH="$PWD/go" GOCACHE="$PWD/cache" GO111MODULE=off GOFLAGS=-p=2
mkdir t; mv main.go t
for cgo in 0 1; do
	CGO_ENABLED=$cgo go build -o t$cgo t/main.go; echo "build $?"
	(cd t && timeout 60 ../t$cgo; echo "status $?"; rm -f sock)
done
sha256sum t0 | cut -c1-64
