#!/usr/bin/env bash
# fuzz.sh BUDGET [PACKAGE…]
# Runs every fuzz target of the packages (default ./...), one after the other: its seeds, then BUDGET more, which is a number of
# inputs (5000x) or a time (1m). A test binary takes one target at a time, hence the loop.
set -euo pipefail

budget=$1
shift
(($# > 0)) || set -- ./...

cache=$(go env GOCACHE)/fuzz
module=$(go list -m)
binaries=$(mktemp -d)
trap 'rm -rf "$binaries"' EXIT

# A fuzz target is a function in a _test.go file; go list and grep find it much faster than building every test binary to ask it.
packages=$(go list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' "$@")
found=0
while read -r package dir; do
  [[ -n "$package" ]] || continue
  targets=$(grep -hoE '^func Fuzz[A-Za-z0-9_]+\(' "$dir"/*_test.go | sed -E 's/^func (.*)\($/\1/' | sort -u || true)
  [[ -n "$targets" ]] || continue
  # One binary for all targets of the package: linking it anew for each would take longer than the fuzzing. Only our code guides the
  # fuzzer, by the flag that -fuzz would set for every package there is: compiling SQLite so takes longer than the fuzzing too.
  binary=$binaries/${package//\//.}.test
  go test -c -vet=off -gcflags="$module/...=-d=libfuzzer" -o "$binary" "$package"
  for target in $targets; do
    found=$((found + 1))
    echo "fuzz $package $target ($budget)"
    # Making each new input small may take longer than finding it; what fails is still small enough after two seconds.
    (cd "$dir" && "$binary" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$budget" -test.fuzzminimizetime 2s \
      -test.fuzzcachedir "$cache/$package" -test.timeout 0) </dev/null
  done
done <<<"$packages"
echo "fuzz: $found targets"
