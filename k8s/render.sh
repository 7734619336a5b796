#!/bin/sh
# Renders every overlay into k8s/rendered/ and writes SHA256SUMS over the sources and the results. With the sums, a change
# that was not rendered is found even where kubectl is missing: `cd k8s && sha256sum --check rendered/SHA256SUMS`.
# Another directory for the results may be given: k8s/render.sh DIRECTORY
set -eu
results=${1:-$(dirname "$0")/rendered}
mkdir -p "$results"
results=$(cd "$results" && pwd)
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/rendered"
for overlay in overlays/*/; do
    name=$(basename "$overlay")
    echo "# Made by k8s/render.sh from k8s/overlays/$name: change it there." > "$work/rendered/$name.yaml"
    kubectl kustomize "overlays/$name" >> "$work/rendered/$name.yaml"
done
find base overlays -type f | LC_ALL=C sort | xargs sha256sum > "$work/sums"
(cd "$work" && find rendered -type f | LC_ALL=C sort | xargs sha256sum) >> "$work/sums"

# Nothing is replaced before everything was made.
rm -f "$results"/*.yaml
cp "$work"/rendered/*.yaml "$results"
cp "$work/sums" "$results/SHA256SUMS"
