. "$SCRIPTS/prelude"

printf 'a message' > m

expect 0 evault policy template
says caller-enclave

# A template in either spelling is the same policy.
evault policy template owner --owner-issuer https://login.test --owner-subject ann > p.yaml
evault policy template owner --owner-issuer https://login.test --owner-subject ann --format json > p.json
evault policy lint p.yaml --type p256 --output json > lint.yaml
evault policy lint p.json --type p256 --output json > lint.json
cmp lint.yaml lint.json

# A remark ends with 7, a mistake with 2.
evault policy template caller-enclave --mrenclave "$(printf '%064d' 7)" > enclave.yaml
expect 7 evault policy lint enclave.yaml
says profile_any_platform
expect 2 evault policy lint p.yaml --type hmac-sha256
printf 'rules: none\n' > broken.yaml
expect 2 evault policy lint broken.yaml
says policy_invalid

# Every template can be filled in.
evault approve register --out grace.json --origin https://wallet.test --output json > grace
evault approve register --out ann.json --origin https://wallet.test > ann.yaml
seven=$(printf '%064d' 7)
platform=$(printf '%064d' 9)
expect 2 evault policy template ci-signing --service ci
says 'managers'
evault policy template ci-signing --service ci --manager grace=grace --manager ann=ann.yaml --manager ann=oidc:ann --threshold 2 > ci.yaml
expect 2 evault policy template ci-signing --service ci --manager grace=grace --threshold 2
says 'nobody can ever sign'
evault policy template luks-volume --type aes256-gcm --mrenclave "$seven" --platform "$platform" > luks.yaml
grep -q "$platform" luks.yaml
evault policy template app-kek --type aes256-gcm --mrenclave "$seven" --platform "$platform" --service ci > app.yaml
evault policy template wallet-seed --type raw-share --manager grace=grace --second-factor ann.yaml > seed.yaml
evault policy template service --service ci > service.yaml
evault policy template role --role operators > role.yaml
for filled in ci luks app seed service role; do
    evault policy lint $filled.yaml --output json > linted || test $? = 7
    grep -q '"policy_hash"' linted
done
grep -q 'second_factor' seed.yaml
grep -q 'threshold: .*2' ci.yaml

# The threshold counts in every template, and nothing that is given is dropped.
evault policy template owner --manager grace=grace --manager ann=ann.yaml --threshold 2 > two.yaml
grep -q 'threshold: .*2' two.yaml
if grep -q 'threshold: .*1' two.yaml; then cat two.yaml; exit 1; fi
expect 2 evault policy template owner --mrenclave "$seven"
says 'no use for mrenclave'
expect 2 evault policy template role --role operators --platform "$platform"
says 'no use for platform'
expect 2 evault policy template wallet-seed --type raw-share --manager grace=grace --service ci
says 'no use for service'

# Simulated like on a vault: behind the rules stand the usage and the type of the key.
cat > narrow.yaml <<POLICY
format: enclave-vaults/key-policy/v1
principals:
  owner: { issuer: "https://login.test", subject: ann }
operations:
  - name: all
    operations: [sign, verify]
    principals: [owner]
usage: { operations: [sign] }
POLICY
ann="--issuer https://login.test --subject ann"
expect 0 evault policy simulate narrow.yaml --operation sign $ann
expect 3 evault policy simulate narrow.yaml --operation verify $ann --output json
says '"reason":"usage"'
says 'a usage of the key'
expect 0 evault policy simulate narrow.yaml --operation sign $ann --type p256
expect 3 evault policy simulate narrow.yaml --operation sign $ann --type hmac-sha256 --output json
says '"reason":"type"'

# A file is what the vault enforces, and shows again.
evault whoami --output json > me
issuer=$(sed 's/.*"issuer":"\([^"]*\)".*/\1/' me)
evault policy template owner --owner-issuer "$issuer" --owner-subject owner > own.yaml
evault key create --type p256 --name filed --policy own.yaml > /dev/null
evault policy show filed > shown.yaml
evault policy lint own.yaml --output json > hash.a
evault policy lint shown.yaml --output json > hash.b
cmp hash.a hash.b

# From stdin, and without effect.
expect 0 sh -c 'evault key create --type p256 --name never --policy - --dry-run < own.yaml'
says 'would create'
expect 8 evault key show never

# Somebody else's policy makes no key of one's own.
expect 2 sh -c 'evault key create --type p256 --policy p.yaml'
