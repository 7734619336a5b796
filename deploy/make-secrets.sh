#!/bin/sh
# Makes deploy/.env for compose.yaml: fresh passwords, and what else differs from place to place.
# It never overwrites one: the passwords in it are those with which the database and the broker were made.
set -eu
umask 077
file=${1:-$(dirname "$0")/.env}

if [ -e "$file" ]; then
    echo "$file exists and stays as it is" >&2
    exit 1
fi
cat > "$file.new" <<ENVIRONMENT
# Read by docker compose beside compose.yaml. Keep it to yourself.
POSTGRES_PASSWORD=$(openssl rand -hex 24)
RABBITMQ_PASSWORD=$(openssl rand -hex 24)

# The key of the workers, from: docker compose exec api vonggac keys create --name workers --role worker
VONGGAC_API_KEY=

# Networks of the cameras, comma-separated. This one is the simulated site's.
VONGGAC_CAMERA_NETWORKS=172.29.64.0/24

# The address on this machine at which people reach the API. Without it: https://localhost:8443, from this machine only.
PUBLISHED_ADDRESS=127.0.0.1
PUBLISHED_PORT=8443

# Without this line the simulated site is not started.
COMPOSE_PROFILES=simulation
ENVIRONMENT
mv "$file.new" "$file"
echo "made $file"
