#!/usr/bin/env bash
# Starts the real server in Docker and asks it for translations by REST and gRPC.
#   MODEL=horse2zebra deploy/smoke.sh horse.jpg
set -euo pipefail
picture=$(realpath "${1:?name a picture}")
cd "$(dirname "${BASH_SOURCE[0]}")"
: "${MODEL:?name a folder of saved_models}"
PYTHON=${PYTHON:-python3}
out=$(mktemp -d)
docker compose up -d
trap 'docker compose down; rm -rf "$out"' EXIT

"$PYTHON" client.py "$picture" "$out/rest.png" --deadline=180
"$PYTHON" client.py "$picture" "$out/label.png" --label=stable
cmp "$out/rest.png" "$out/label.png"
if "$PYTHON" -c "import tensorflow_serving" 2>/dev/null; then
  "$PYTHON" client.py "$picture" "$out/grpc.png" --grpc
  cmp "$out/rest.png" "$out/grpc.png"
fi
printf 'no picture' > "$out/bad.jpg"
if "$PYTHON" client.py "$out/bad.jpg" "$out/bad.png"; then
  echo "A damaged picture was not refused."
  exit 1
fi
curl --fail --silent --show-error http://localhost:8501/v1/models/cyclegan
curl --fail --silent --show-error http://localhost:8501/monitoring/prometheus/metrics | grep -c tensorflow
echo "The server translates by REST and gRPC, and refuses what is no picture."
