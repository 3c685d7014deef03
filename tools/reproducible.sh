#!/usr/bin/env bash
# Builds the commit twice, in two places and without what was built before, and compares the binaries.
set -euo pipefail

if [[ -n "$(git status --porcelain)" ]]; then
  echo "there are changes that are not committed: the binary would say so, and not be that of a commit" >&2
  exit 1
fi
commit=$(git rev-parse HEAD)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sums=()
for place in first second; do
  git clone --quiet . "$work/$place"
  git -C "$work/$place" checkout --quiet "$commit"
  (cd "$work/$place" && GOCACHE="$work/cache-$place" CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o claygate ./cmd/claygate)
  rm -rf "$work/cache-$place"
  sums+=("$(sha256sum < "$work/$place/claygate" | cut -d' ' -f1)")
  echo "$commit, built in the $place place: ${sums[-1]}"
done
[[ "${sums[0]}" == "${sums[1]}" ]]
