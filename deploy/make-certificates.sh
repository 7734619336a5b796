#!/bin/sh
# Makes the certificate by which the API is known to the workers, signed by a private authority of its own.
#
#   make-certificates.sh API_DIRECTORY TRUST_DIRECTORY NAME [NAME ...]
#
# API_DIRECTORY gets tls.crt and tls.key, TRUST_DIRECTORY gets ca.crt; each NAME is a host name or an address under which
# the API is reached. The authority's own key is thrown away at once, so that nobody can sign a second certificate with
# it. To renew is therefore to make both anew: run this again and restart the API and then the workers. While the
# certificate fits the names and is valid for 30 more days, a run changes nothing.
set -eu
umask 077

days=825
renew_before_s=$((30 * 24 * 3600))

if [ $# -lt 3 ]; then
    echo "usage: $0 API_DIRECTORY TRUST_DIRECTORY NAME [NAME ...]" >&2
    exit 2
fi
api=$1
trust=$2
shift 2

# An IPv6 address has a colon, an IPv4 address has nothing but digits and dots.
is_address() {
    case $1 in
        *:*) return 0 ;;
        *[!0-9.]*) return 1 ;;
    esac
}

names=
for name in "$@"; do
    case $name in
        *[!0-9A-Za-z.:-]* | '') echo "not a host name or an address: '$name'" >&2; exit 2 ;;
    esac
    if is_address "$name"; then names="$names,IP:$name"; else names="$names,DNS:$name"; fi
done
names=${names#,}

fits() {
    [ -s "$api/tls.crt" ] && [ -s "$api/tls.key" ] && [ -s "$trust/ca.crt" ] || return 1
    openssl x509 -in "$api/tls.crt" -noout -checkend "$renew_before_s" > /dev/null || return 1
    openssl verify -CAfile "$trust/ca.crt" "$api/tls.crt" > /dev/null 2>&1 || return 1
    [ "$(openssl x509 -in "$api/tls.crt" -noout -pubkey)" = "$(openssl pkey -in "$api/tls.key" -pubout)" ] || return 1
    for name in "$@"; do
        if is_address "$name"; then option=-checkip; else option=-checkhost; fi
        # The exit code says nothing here, only the sentence does.
        openssl x509 -in "$api/tls.crt" -noout "$option" "$name" | grep -q 'does match' || return 1
    done
}

if fits "$@"; then
    echo "the certificate in $api fits and stays"
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$api" "$trust"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days "$days" \
    -keyout "$work/ca.key" -out "$work/ca.crt" -subj "/CN=vonggac private authority" \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" 2> /dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
    -keyout "$work/tls.key" -out "$work/tls.csr" -subj "/CN=vonggac api" 2> /dev/null
cat > "$work/extensions" <<EXTENSIONS
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = $names
EXTENSIONS
openssl x509 -req -in "$work/tls.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -set_serial "0x$(openssl rand -hex 15)" \
    -sha256 -days "$days" -extfile "$work/extensions" -out "$work/tls.crt" 2> /dev/null
rm "$work/ca.key"

chmod 644 "$work/tls.crt" "$work/ca.crt"
for file in tls.key tls.crt; do
    cp -p "$work/$file" "$api/$file.new" && mv "$api/$file.new" "$api/$file"
done
cp -p "$work/ca.crt" "$trust/ca.crt.new" && mv "$trust/ca.crt.new" "$trust/ca.crt"
echo "made a certificate for $names in $api"
