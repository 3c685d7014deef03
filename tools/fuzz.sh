#!/usr/bin/env bash
# fuzz.sh BUDGET [PACKAGE…]
# Runs every fuzz target of the packages (default ./...), one after the other: its seeds, then BUDGET more, which is a number of
# inputs (5000x) or a time (1m). go test takes one target of one package at a time, hence the loop.
set -euo pipefail

budget=$1
shift
(($# > 0)) || set -- ./...

# A fuzz target is a function in a _test.go file; go list and grep find it much faster than building every test binary to ask it.
packages=$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' "$@")
found=0
while read -r package dir; do
  [[ -n "$package" ]] || continue
  targets=$(grep -hoE '^func Fuzz[A-Za-z0-9_]+\(' "$dir"/*_test.go | sed -E 's/^func (.*)\($/\1/' | sort -u || true)
  for target in $targets; do
    found=$((found + 1))
    echo "fuzz $package $target ($budget)"
    # Making each new input small may take longer than finding it; what fails is still small enough after two seconds.
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$budget" -fuzzminimizetime 2s "$package" </dev/null
  done
done <<<"$packages"
echo "fuzz: $found targets"
