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
expect 3 evault policy edit changing --policy q.yaml
says update_refused
approved update_policy --policy q.yaml
expect 0 evault policy edit changing --policy q.yaml --approval request.json --approval answer.json --output json
says "$one"
says "$two"
says '"policy_version":2'
expect 3 evault policy edit changing --policy q.yaml --expected-version 2
expect 9 evault policy edit changing --policy p.yaml --expected-version 1
says version_conflict
expect 0 evault policy show changing --vault "$two"
says 'name: verify'

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
