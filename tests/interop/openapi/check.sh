#!/usr/bin/env bash
# schemathesis against a demo gateway, whose base URL is the argument: whatever is sent, the answer must be one that
# /openapi.json tells of. Some 40 seconds; the seed is fixed. Needs schemathesis and openapi-spec-validator (PyPI).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
base=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# The document by itself: what is served, against the schema of OpenAPI 3.1.
curl -sSf "$base/openapi.json" -o openapi.json
openapi-spec-validator openapi.json >log || { cat log; exit 1; }

checks=not_a_server_error,status_code_conformance,content_type_conformance
checks=$checks,response_headers_conformance,response_schema_conformance

# A run that takes further arguments; it is shown only if it fails.
run() {
  local name=$1 config=$2
  shift 2
  timeout 240 schemathesis --config-file "$config" run "$base/openapi.json" --checks "$checks" --continue-on-failure --no-color \
    --phases examples,coverage,fuzzing --seed 20 --request-timeout 10 --generation-database none \
    --warnings off "$@" >log 2>&1 || { cat log; exit 1; }
  echo "schemathesis: $name: $(sed -n 's/^ *\([0-9]* generated\),.*/\1/p' log)"
}

# A trusted client and a user who is there, so that more than refusals are seen; but nobody is deleted meanwhile.
run "a user who is there" "$here/user.toml" -H 'X-Client-Hash-Key: demo-hash-key' --max-examples 50 \
  --generation-with-security-parameters false --include-path-regex '\{userName\}' --exclude-method DELETE

# What only a signed-in user may do.
token=$(curl -sSf "$base/hammy/json/user/v1/password/authenticate" -H 'Content-Type: application/json' \
  -d '{"userNameOrEmail":"mokamiki","password":"MokaMiki-1234","params":[{"key":"USER_ORG_UUID","value":"default"}]}' \
  -D - -o /dev/null |
  tr -d '\r' | sed -n 's/^[Aa]uthorization: //p')
run "a signed-in user" "$here/user.toml" -H 'X-Client-Hash-Key: demo-portal-key' -H "Authorization: $token" \
  -H 'X-User-Name: mokamiki' --max-examples 50 --generation-with-security-parameters false \
  --include-path /register/addToOrg
# Last, since it also deletes whom it meets.
: >any.toml
run "anything, with any credentials" any.toml -H 'X-Client-Hash-Key: demo-hash-key' --max-examples 20

echo "openapi: ok"
