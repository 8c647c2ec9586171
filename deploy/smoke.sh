#!/usr/bin/env bash
# Asks the real server, in Docker, what the tests ask its stand-in:
#   MODEL=horse2zebra deploy/smoke.sh horse.jpg
# It serves copies of the newest version, at ports of its own: what is being served is not touched.
set -euo pipefail
picture=$(realpath "${1:?name a picture}")
cd "$(dirname "${BASH_SOURCE[0]}")"
PYTHON=${PYTHON:-python3}
served=${MODELS:-../saved_models}/${MODEL:?name a folder of saved_models}
newest=$(find "$served" -maxdepth 1 -name '[0-9]*' -printf '%f\n' | sort -n | tail -n 1)
: "${newest:?$served holds no version}"

work=$(mktemp -d)
export COMPOSE_PROJECT_NAME=cyclegan-smoke POLL_SECONDS=1
export MODELS=$work MODEL=model CONFIG=$work/config
export REST_PORT=${REST_PORT:-18501} GRPC_PORT=${GRPC_PORT:-18500}
mkdir "$work/model" "$CONFIG" "$work/in" "$work/out" "$work/many"
cp -r "$served/$newest" "$work/model/1"
cp -r "$served/$newest" "$work/model/2"
cp ./*.config batching_parameters.txt "$CONFIG"
chmod -R a+rX "$work"
trap 'docker compose down; rm -rf "$work"' EXIT
docker compose up -d

say() { printf '== %s\n' "$*"; }
get() { curl --fail --silent --show-error --noproxy '*' "http://localhost:$REST_PORT$1"; }
rest() { "$PYTHON" client.py --server="localhost:$REST_PORT" "$@"; }
refused() { # file, words
  if told=$(rest "$1" "$work/refused.png" 2>&1); then say "$1 was not refused"; exit 1; fi
  grep --quiet "$2" <<< "$told" || { say "$1 was refused for another reason: $told"; exit 1; }
}
label_is() { # label, version
  for _ in {1..60}; do
    if get "/v1/models/cyclegan/labels/$1" 2>/dev/null | grep "\"version\": \"$2\"" > /dev/null
    then return; fi
    sleep 1
  done
  say "the label $1 does not become $2"; exit 1
}

say "REST, by default and by label"
rest "$picture" "$work/rest.png" --deadline=180
rest "$picture" "$work/label.png" --label=stable
cmp "$work/rest.png" "$work/label.png"
if "$PYTHON" -c "import grpc, tensorflow_serving" 2> /dev/null; then
  say "gRPC"
  "$PYTHON" client.py --grpc --server="localhost:$GRPC_PORT" "$picture" "$work/grpc.png"
  cmp "$work/rest.png" "$work/grpc.png"
fi
if get /v1/models/cyclegan/metadata | grep '"b_to_a"' > /dev/null; then
  say "the other direction"
  rest "$picture" "$work/back.png" --signature=b_to_a
fi

say "what is no picture, and what is too large"
printf 'no picture, but some words' > "$work/words.jpg"
refused "$work/words.jpg" "Picture 0 is no"
printf '\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\1\0\0\0\1\0\0\b\2\0\0\0\0\0\0\0' > "$work/huge.png" # 65536 x 65536
refused "$work/huge.png" "Picture 0 has 4294967296 pixels"

say "32 clients at a time, and one that is killed"
for number in {1..32}; do cp "$picture" "$work/in/$number.${picture##*.}"; done
"$PYTHON" client.py --server="localhost:$REST_PORT" "$work/in" "$work/many" --parallel=32 &
client=$!
sleep 1
kill -KILL "$client" 2> /dev/null || true
wait "$client" || true
rest "$work/in" "$work/out" --parallel=32 --deadline=600
for answer in "$work"/out/*; do cmp "$work/rest.png" "$answer"; done

say "labels forward and back"
label_is stable 1
sed --in-place 's/versions: 1/versions: 1 versions: 2/' "$CONFIG/models.config"
for _ in {1..60}; do get /v1/models/cyclegan/versions/2 > /dev/null 2>&1 && break; sleep 1; done
sed --in-place '/"stable"/s/value: 1/value: 2/' "$CONFIG/models.config"
label_is stable 2
rest "$picture" "$work/second.png" --label=stable
sed --in-place '/"stable"/s/value: 2/value: 1/' "$CONFIG/models.config"
label_is stable 1

say "counters: $(get /monitoring/prometheus/metrics | grep -c ':tensorflow:')"
say "all is well"
