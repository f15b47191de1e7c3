#!/usr/bin/env bash
# Makes the OCI layouts of this folder: tiny images signed by the real cosign, through a real registry on loopback.
#
# Needs: cosign 2.x ($COSIGN2, or cosign2 on PATH) and 3.x ($COSIGN3, or cosign3, or cosign on PATH), docker-registry, skopeo,
# curl, GNU tar. Makes a new key pair each time; the private key is never kept. Nothing is published: cosign 3 asks for
# Sigstore's trusted root over the network and signs without it.
set -euo pipefail
export LC_ALL=C
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)

find_tool() { # names…
  local name
  for name in "$@"; do if [ -n "$name" ] && command -v -- "$name"; then return 0; fi; done
  echo "needed and not found: $*" >&2
  return 1
}
cosign2=$(find_tool "${COSIGN2:-}" cosign2)
cosign3=$(find_tool "${COSIGN3:-}" cosign3 cosign)
find_tool docker-registry >/dev/null
find_tool skopeo >/dev/null
find_tool curl >/dev/null

work=$(mktemp -d)
registry=
trap '[ -z "$registry" ] || kill "$registry" 2>/dev/null || true; rm -rf -- "$work"' EXIT
umask 022

# The registry: port 0 is a free one, and its log says which.
cat >"$work/registry.yml" <<YAML
version: 0.1
log: {level: info, formatter: json, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: 127.0.0.1:0}
YAML
: >"$work/registry.log"
docker-registry serve "$work/registry.yml" >>"$work/registry.log" 2>&1 &
registry=$!
host=
for _ in $(seq 100); do
  host=$(sed -n 's/.*listening on \(127\.0\.0\.1:[0-9]*\).*/\1/p' "$work/registry.log" | head -n 1)
  [ -z "$host" ] || break
  sleep 0.1
done
[ -n "$host" ] || { cat "$work/registry.log" >&2; echo "the registry did not start" >&2; exit 1; }

sha256() { sha256sum -- "$1" | cut -c1-64; }
size() { wc -c <"$1" | tr -d ' '; }

# store FILE LAYOUT: copies a file into a layout's blobs; prints its hash.
store() {
  local hash
  hash=$(sha256 "$1")
  mkdir -p -- "$2/blobs/sha256"
  cp -- "$1" "$2/blobs/sha256/$hash"
  printf '%s' "$hash"
}

oci=application/vnd.oci.image

# index LAYOUT ENTRY…: writes index.json and oci-layout.
index() {
  local layout=$1 entries
  shift
  entries=$(IFS=,; printf '%s' "$*")
  printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}\n' "$oci.index.v1+json" "$entries" >"$layout/index.json"
  printf '{"imageLayoutVersion":"1.0.0"}\n' >"$layout/oci-layout"
}

# entry TYPE HASH SIZE TAG
entry() {
  printf '{"mediaType":"%s","digest":"sha256:%s","size":%s,"annotations":{"org.opencontainers.image.ref.name":"%s"}}' "$@"
}

# image LAYOUT TEXT: an image of one file, the same bytes each time; prints the hash of its manifest.
image() {
  local layout=$1 in="$work/image" diff config layer manifest
  rm -rf -- "$in"
  mkdir -p -- "$in/files"
  printf '%s\n' "$2" >"$in/files/hello.txt"
  tar --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=0644 -C "$in/files" -cf "$in/tar" hello.txt
  diff=$(sha256 "$in/tar")
  gzip -n9 <"$in/tar" >"$in/layer"
  layer=$(store "$in/layer" "$layout")
  printf '{"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$diff" >"$in/config"
  config=$(store "$in/config" "$layout")
  printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","digest":"sha256:%s","size":%s},' \
    "$oci.manifest.v1+json" "$oci.config.v1+json" "$config" "$(size "$in/config")" >"$in/manifest"
  printf '"layers":[{"mediaType":"%s","digest":"sha256:%s","size":%s}]}' \
    "$oci.layer.v1.tar+gzip" "$layer" "$(size "$in/layer")" >>"$in/manifest"
  manifest=$(store "$in/manifest" "$layout")
  index "$layout" "$(entry "$oci.manifest.v1+json" "$manifest" "$(size "$in/manifest")" 1.0)"
  printf '%s' "$manifest"
}

# push LAYOUT REPOSITORY
push() { skopeo --insecure-policy copy --quiet --preserve-digests --dest-tls-verify=false "oci:$1:1.0" "docker://$host/$2:1.0"; }

# get REPOSITORY KIND REFERENCE FILE: a manifest or a blob, byte for byte.
get() {
  curl --silent --show-error --fail --output "$4" "http://$host/v2/$1/$2/$3" \
    --header "Accept: $oci.manifest.v1+json" --header "Accept: $oci.index.v1+json"
}

# pull REPOSITORY REFERENCE LAYOUT: a manifest with all it names; prints its index entry under the tag $4.
pull() {
  local repository=$1 reference=$2 layout=$3 tag=$4 file="$work/pulled" manifest named type
  get "$repository" manifests "$reference" "$file"
  manifest=$(store "$file" "$layout")
  type=$(grep -o "\"mediaType\":\"$oci.index.v1+json\"" "$file" | head -n 1 | cut -d'"' -f4 || true)
  entry "${type:-$oci.manifest.v1+json}" "$manifest" "$(size "$file")" "$tag"
  for named in $(grep -o '"digest":"sha256:[0-9a-f]*"' "$file" | cut -d'"' -f4); do
    [ ! -e "$layout/blobs/sha256/${named#sha256:}" ] || continue
    if [ -n "$type" ]; then
      pull "$repository" "$named" "$layout" none >/dev/null
    else
      get "$repository" blobs "$named" "$work/blob"
      store "$work/blob" "$layout" >/dev/null
    fi
  done
}

cd "$work"
export COSIGN_PASSWORD=
"$cosign2" generate-key-pair >/dev/null 2>&1
say() { printf '%s\n' "$*" >&2; }
version() { "$1" version 2>/dev/null | sed -n 's/^GitVersion: *//p'; }

# Without a transparency log: none is at hand, and a key pair needs none. See README.md for what else was tried.
sign2() {
  "$cosign2" sign --key cosign.key --tlog-upload=false --yes --allow-http-registry \
    --sign-container-identity registry.example.com/app "$host/$1" >/dev/null 2>&1
}
"$cosign3" signing-config create --out signing-config.json
sign3() {
  "$cosign3" sign --key cosign.key --signing-config signing-config.json --yes --allow-http-registry "$host/$1" >/dev/null 2>&1
}

out="$work/out"
mkdir "$out"

image "$out/unsigned" "hello from unsigned" >/dev/null

signed=$(image "$out/cosign-v2" "hello from cosign-v2")
push "$out/cosign-v2" v2
sign2 "v2@sha256:$signed"
index "$out/cosign-v2" "$(pull v2 1.0 "$out/cosign-v2" 1.0)" \
  "$(pull v2 "sha256-$signed.sig" "$out/cosign-v2" "sha256-$signed.sig")"
"$cosign2" save --allow-http-registry --dir "$out/saved-v2" "$host/v2:1.0"

signed=$(image "$out/cosign-v3" "hello from cosign-v3")
push "$out/cosign-v3" v3
sign3 "v3@sha256:$signed"
index "$out/cosign-v3" "$(pull v3 1.0 "$out/cosign-v3" 1.0)" \
  "$(pull v3 "sha256-$signed" "$out/cosign-v3" "sha256-$signed")"
"$cosign3" save --allow-http-registry --dir "$out/saved-v3" "$host/v3:1.0"

# One image is signed, another is put under its tag, and the signature is copied to where the other's would be.
signed=$(image "$work/before" "hello from before")
push "$work/before" altered
sign2 "altered@sha256:$signed"
changed=$(image "$out/altered" "hello from altered")
push "$out/altered" altered
index "$out/altered" "$(pull altered 1.0 "$out/altered" 1.0)" \
  "$(pull altered "sha256-$signed.sig" "$out/altered" "sha256-$changed.sig")"

find "$out" -type f -exec chmod 0644 {} +
# Every blob is what its name says.
(cd "$out" && for blob in */blobs/sha256/*; do [ "$(sha256 "$blob")" = "${blob##*/}" ] || { say "altered: $blob"; exit 1; }; done)
for layout in "$out"/*; do
  rm -rf -- "$here/${layout##*/}"
  cp -R -- "$layout" "$here/"
done
cp -- cosign.pub "$here/cosign.pub"
say "made by cosign $(version "$cosign2") and $(version "$cosign3"), $(skopeo --version), $(docker-registry --version)"
