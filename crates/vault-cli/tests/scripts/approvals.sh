. "$SCRIPTS/prelude"

printf 'a message' > m
printf 'another message' > other

# A manager with a software credential, and one who approves by token.
evault approve register --out grace.json --origin "$EVAULT_RELAY" --output json > grace
test "$(stat -c %a grace.json)" = 600
expect 2 evault approve register --out grace.json
credential=$(sed 's/.*"credential":\({.*}\),"credential_id".*/\1/' grace)
evault whoami --output json > me
issuer=$(sed 's/.*"issuer":"\([^"]*\)".*/\1/' me)
cat > p.yaml <<POLICY
format: enclave-vaults/key-policy/v1
principals:
  owner: { issuer: "$issuer", subject: owner }
  managers:
    - id: grace
      credentials: [$credential]
    - id: heidi
      credentials: [{ oidc: { issuer: "$issuer", subject: manager } }]
operations:
  - name: release
    operations: [sign]
    principals: [owner]
    condition: { manager_approval: { managers: [grace] } }
  - name: by-digest
    operations: [sign_digest]
    principals: [owner]
    condition: { manager_approval: { managers: [heidi], oidc: allowed } }
  - name: check
    operations: [verify, get_public_key]
    principals: [owner]
POLICY
one=$(member 1)
two=$(member 2)
for vault in "$one" "$two"; do
    evault key create --type p256 --name guarded --policy p.yaml --vault "$vault" > /dev/null
done

# Refused for want of an approval: the vault, a dry run and `explain` name the same place.
expect 3 evault key sign guarded --in m --vault "$one" --output json
says '"code":"policy_denied"'
says '"rule":"release"'
says '"condition":"manager_approval"'
evault policy explain p.yaml --operation sign --output json > explained
grep -q '"condition":"manager_approval"' explained
grep -q '"rule":"release"' explained
expect 3 evault approve request guarded --operation sign --in m --dry-run --output json
says '"allowed":false'
says '"rule":"release"'
says '"condition":"manager_approval"'
expect 0 evault approve request guarded --operation verify --in m --signature m --dry-run

# One gesture for both vaults; on each of them once.
expect 0 evault approve request guarded --operation sign --in m --show-payload --note 'release 1.0' --out request.json
says 'release 1.0'
says "$two"
test "$(stat -c %a request.json)" = 600
expect 2 evault approve sign request.json --credential grace.json --out answer.json
says 'nobody is there to be asked'
expect 0 evault approve show request.json --output json
says '"payload_matches":true'
says '"payload_text":"a message"'
# What is signed is shown before; what came along is what the statements name, or nothing is shown.
expect 0 evault approve sign request.json --credential grace.json --yes --out answer.json
grep -q 'a message' err
grep -q '^challenge' err
payload=$(printf 'a message' | base64 | tr -d = | tr '+/' '-_')
massage=$(printf 'a massage' | base64 | tr -d = | tr '+/' '-_')
sed "s/$payload/$massage/" request.json > swapped.json
expect 3 evault approve show swapped.json
says 'the payload that came along is not the one'
expect 3 evault approve sign swapped.json --credential grace.json --yes --out never.json
test ! -e never.json
expect 3 evault key sign guarded --in m --vault "$one" --approval request.json
evault key sign guarded --in m --vault "$one" --approval request.json --approval answer.json --out m.sig
evault key show guarded --vault "$one" --pem g.pem
openssl dgst -sha256 -verify g.pem -signature m.sig m
expect 3 evault key sign guarded --in m --vault "$one" --approval request.json --approval answer.json
says approval_refused
expect 0 evault key sign guarded --in m --vault "$two" --approval answer.json --approval request.json

# Of another message it is no approval, and it is spent then.
evault approve request guarded --operation sign --in m --out request2.json > /dev/null
evault approve sign request2.json --credential grace.json --yes --out answer2.json > /dev/null
expect 3 evault key sign guarded --in other --vault "$one" --approval request2.json --approval answer2.json
says approval_refused
expect 3 evault key sign guarded --in m --vault "$one" --approval request2.json --approval answer2.json
says approval_refused

# Somebody whom the policy does not name, and somebody who says no.
evault approve register --out mallory.json --origin "$EVAULT_RELAY" > /dev/null
evault approve request guarded --operation sign --in m --out request3.json > /dev/null
evault approve sign request3.json --credential mallory.json --yes --out answer3.json > /dev/null
expect 3 evault key sign guarded --in m --vault "$one" --approval request3.json --approval answer3.json
says approval_refused
evault approve sign request3.json --refuse --out no.json
expect 3 evault key sign guarded --in m --vault "$two" --approval request3.json --approval no.json
says 'a manager has refused'

# By token: each vault's own word. The owner is no manager, and strangers see no key.
evault approve request guarded --operation sign --in m --digest sha256 --out request4.json > /dev/null
expect 3 evault approve sign request4.json --yes --out answer4.json
expect 8 evault approve sign request4.json --yes --out answer4.json --profile stranger
expect 0 evault approve sign request4.json --yes --out answer4.json --profile manager
expect 0 evault key sign guarded --in m --digest sha256 --vault "$one" --approval request4.json --approval answer4.json

# Through the relay.
expect 0 evault approve request guarded --operation sign --in m --output json
id=$(sed 's/.*"id":"\([^"]*\)".*/\1/' out)
expect 0 evault approve list --credential grace.json
says "$id"
expect 0 evault approve show "$id" --output json
says "$one"
challenge=$(sed 's/.*"challenge":"\([^"]*\)".*/\1/' out)
# A yes to what was shown is none to what the relay hands out instead.
evault approve request guarded --operation sign --in other --output json > swapped
other=$(sed 's/.*"id":"\([^"]*\)".*/\1/' swapped)
expect 2 evault approve sign "$other" --credential grace.json --yes
says --challenge
expect 3 evault approve sign "$other" --credential grace.json --yes --challenge "$challenge"
says approval_refused
says 'another request'
expect 3 evault approve sign "$other" --yes --challenge "$challenge" --profile manager
says 'another request'
expect 3 evault approve sign request.json --credential grace.json --yes --challenge "$challenge" --out never.json
expect 2 evault approve sign "$other" --credential grace.json --yes --challenge 5f2c
expect 0 evault approve show "$other" --output json
says '"answers":[]'
expect 0 evault approve sign "$other" --refuse
expect 0 evault approve sign "$id" --credential grace.json --yes --challenge "$challenge"
says "$challenge"
evault approve show "$id" --out approved.json > /dev/null
expect 0 evault key sign guarded --in m --vault "$one" --approval approved.json
expect 8 evault approve show "aaaaaaaaaaaaaaaaaaaaaaaaaa"
expect 5 evault approve list --credential grace.json --relay http://127.0.0.1:1

# Nobody else can ask for it, or is told that there is something to ask for.
handle=$(evault key show guarded --vault "$one" --output json | sed 's/.*"handle":"\([^"]*\)".*/\1/')
for profile in stranger other-owner auditor; do
    expect 8 evault approve request "$handle" --operation sign --in m --format der --out never.json --profile "$profile"
    expect 8 evault profile list "$handle" --profile "$profile"
    expect 8 evault policy edit "$handle" --policy p.yaml --profile "$profile"
    expect 8 evault key cancel-deletion "$handle" --profile "$profile"
done
