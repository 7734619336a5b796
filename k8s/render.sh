#!/bin/sh
# Renders every overlay into k8s/rendered/ and writes SHA256SUMS over the sources and the results. With the sums, a change
# that was not rendered is found even where kubectl is missing: `cd k8s && sha256sum --check rendered/SHA256SUMS`.
# Another directory for the results may be given: k8s/render.sh DIRECTORY
set -eu
cd "$(dirname "$0")"
results=${1:-rendered}
mkdir -p "$results"
for overlay in overlays/*/; do
    name=$(basename "$overlay")
    {
        echo "# Made by k8s/render.sh from k8s/overlays/$name: change it there."
        kubectl kustomize "$overlay"
    } > "$results/$name.yaml.new"
    mv "$results/$name.yaml.new" "$results/$name.yaml"
done
find base overlays -type f | LC_ALL=C sort | xargs sha256sum > "$results/SHA256SUMS.new"
(cd "$results" && sha256sum ./*.yaml) | sed "s|  \./|  rendered/|" >> "$results/SHA256SUMS.new"
mv "$results/SHA256SUMS.new" "$results/SHA256SUMS"
