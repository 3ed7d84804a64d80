. "$SCRIPTS/prelude"

printf 'a message' > m
evault approve register --out grace.json --origin "$EVAULT_RELAY" --output json > grace
credential=$(sed 's/.*"credential":\({.*}\),"credential_id".*/\1/' grace)
evault whoami --output json > me
issuer=$(sed 's/.*"issuer":"\([^"]*\)".*/\1/' me)

# policy FILE BUILD...: a key that its owner signs with, and such builds.
policy() {
    file=$1
    shift
    cat > "$file" <<POLICY
format: enclave-vaults/key-policy/v1
principals:
  owner: { issuer: "$issuer", subject: owner }
  managers:
    - id: grace
      credentials: [$credential]
    - id: heidi
      credentials: [{ oidc: { issuer: "$issuer", subject: manager } }]
  tees:
    - { name: build, mrenclave: "$(printf '%064d' 7)" }
operations:
  - name: release
    operations: [sign, get_public_key]
    principals: [owner, build]
  - name: $1
    operations: [verify]
    principals: [owner]
lifecycle: { deletion_window: 3600 }
POLICY
}
policy p.yaml check
policy q.yaml verify
one=$(member 1)
two=$(member 2)
for vault in "$one" "$two"; do
    evault key create --type p256 --name changing --policy p.yaml --vault "$vault" > /dev/null
done

# approved OPERATION FLAGS...: a manager approves it, on both vaults.
approved() {
    rm -f request.json answer.json
    operation=$1
    shift
    evault approve request changing --operation "$operation" "$@" --out request.json > /dev/null
    evault approve sign request.json --credential grace.json --yes --out answer.json > /dev/null
}

# A policy changes with a manager, on every vault by one gesture, once.
expect 0 evault policy edit changing --policy q.yaml --dry-run
says 'managers'
expect 3 evault policy edit changing --policy p.yaml --dry-run --output json
says '"code":"no_change"'
expect 3 evault policy edit changing --policy q.yaml
says update_refused
approved update_policy --policy q.yaml
# The manager sees what it changes; without the new policy there is nothing to see.
expect 0 evault approve show request.json
says 'takes: the owner, and 1 of the managers'
says 'written otherwise, to the same effect'
expect 0 evault approve show request.json --output json
says '"differences":[{'
says '"possible":true'
sed 's/"new_policy":"[^"]*",*//' request.json > blind.json
expect 3 evault approve sign blind.json --credential grace.json --yes --out never.json
says 'the new policy is missing'
expect 0 evault policy edit changing --policy q.yaml --approval request.json --approval answer.json --output json
says "$one"
says "$two"
says '"policy_version":2'
expect 3 evault policy edit changing --policy q.yaml --expected-version 2
expect 9 evault policy edit changing --policy p.yaml --expected-version 1
says version_conflict
expect 0 evault policy show changing --vault "$two"
says 'name: verify'

# What was written in an editor is there after a mistake, and after a refusal.
sed -e 's/name: verify/name: verified/' q.yaml > r.yaml
printf 'cp "%s/r.yaml" "$1"\n' "$PWD" > editor
printf 'printf "rules: none\\n" > "$1"\n' > slip
for tried in "2 slip" "3 editor"; do
    expect "${tried% *}" env VISUAL= EDITOR="sh ${tried#* }" "$(command -v evault)" policy edit changing
    kept=$(sed -n 's/.*next: evault policy edit changing --policy \(.*\)/\1/p' err)
    test "$(stat -c %a "$kept")" = 600
    test -s "$kept"
    last=$kept
done
cmp "$last" r.yaml
rm -r "$(dirname "$last")"
expect 3 env VISUAL= EDITOR=true "$(command -v evault)" policy edit changing
if grep -q 'next: .*--policy' err; then cat err; exit 1; fi

# A new build: staged it has no right, promoted it has, by owner and manager on every vault.
cat > next.yaml <<PROFILE
name: build
mrenclave: "$(printf '%064d' 8)"
PROFILE
expect 0 evault profile stage changing --attestation next.yaml --output json
digest=$(sed 's/.*"profile_digest":"\([0-9a-f]*\)".*/\1/' out)
expect 0 evault profile list changing --output json
says "$digest"
says '"name":"build"'
expect 3 evault profile promote changing --digest "$digest"
says update_refused
approved promote_profile --digest-of-profile "$digest"
# The manager sees the build, which a vault has shown.
expect 0 evault approve show request.json
says "$(printf '%064d' 8)"
expect 0 evault approve show request.json --output json
says '"name":"build"'
says '"field":"principals.tees"'
expect 2 evault approve request changing --operation promote_profile --digest-of-profile "$(printf '%064d' 5)" --out never.json
says '--attestation'
expect 2 evault approve request changing --operation promote_profile --digest-of-profile "$(printf '%064d' 5)" --attestation next.yaml --out never.json
expect 2 evault approve request changing --operation delete_key --attestation next.yaml --out never.json
expect 0 evault profile promote changing --digest "$digest" --approval request.json --approval answer.json --output json
says '"policy_version":3'
expect 0 evault policy show changing --vault "$one"
says "$(printf '%064d' 7)"
says "$(printf '%064d' 8)"
expect 2 evault profile promote changing --digest "$digest"
says 'no pending profile'

# Deletion waits, and a manager takes it back.
expect 3 evault key delete changing --vault "$one" --yes --output json
says lifecycle.deletion_window
expect 0 evault key delete changing --vault "$one" --window 3600 --yes --output json
says '"state":"pending_deletion"'
says '"due_at"'
expect 9 evault key sign changing --in m --vault "$one"
says pending_deletion
evault key show changing --vault "$one" --output json > shown
grep -q '"state":"pending_deletion"' shown
handle=$(sed 's/.*"handle":"\([^"]*\)".*/\1/' shown)
lineage=$(sed 's/.*"lineage":"\([^"]*\)".*/\1/' shown)
expect 0 evault key cancel-deletion "$handle@$lineage" --vault "$one" --profile manager
says enabled
expect 0 evault key sign changing --in m --vault "$one"
