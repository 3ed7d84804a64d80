. "$SCRIPTS/prelude"

printf 'a message' > m

# A host's own certificate, one that an authority issued, and one that nobody knows.
for name in host ca web other; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key" 2> /dev/null
done
for name in host other; do
    openssl req -x509 -new -key "$name.key" -subj "/CN=$name" -days 30 -out "$name.pem"
done
openssl req -x509 -new -key ca.key -subj /CN=authority -days 30 -out ca.pem \
    -addext keyUsage=critical,keyCertSign
openssl req -new -key web.key -subj /CN=web -out web.csr
printf 'subjectAltName=DNS:web.test\n' > web.ext
openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile web.ext -out web.leaf 2> /dev/null
cat web.leaf ca.pem > web.pem

# What policies call a certificate's key.
spki() {
    openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r | cut -d' ' -f1
}

cp "$EVAULT_CONFIG" config.toml
for name in host web other; do
    printf '\n[profiles.%s]\ncertificate = "%s"\ncertificate_key = "%s"\n' \
        "$name" "$PWD/$name.pem" "$PWD/$name.key" >> config.toml
done
printf '\n[profiles.half]\ncertificate = "%s"\n' "$PWD/host.pem" >> config.toml
issuer=$(evault whoami --output json | sed 's/.*"issuer":"\([^"]*\)".*/\1/')
export EVAULT_CONFIG="$PWD/config.toml"

expect 0 evault whoami --profile host --output json
says "\"certificate_spki\":\"$(spki host.pem)\""
says '"subject":""'
expect 0 evault whoami --profile web --output json
says "\"certificate_spki\":\"$(spki web.leaf)\""
says '"certificate_names":["dns:web.test"]'
expect 2 evault whoami --profile half
says certificate_key

cat > p.yaml <<END
format: enclave-vaults/key-policy/v1
principals:
  owner: {issuer: "$issuer", subject: owner}
  mtls:
    - {id: host, spki: $(spki host.pem)}
    - {id: web, ca: {san: "dns:web.test", spki: $(spki ca.pem)}}
operations:
  - {name: release, operations: [sign, verify, get_public_key], principals: [owner, host, web]}
END

# What it would come to, without a vault.
expect 0 evault policy explain p.yaml --operation sign
says "the certificate with key $(spki host.pem)"
expect 0 evault policy simulate p.yaml --operation sign --certificate-key "$(spki host.pem)"
expect 0 evault policy simulate p.yaml --operation sign --certificate-name dns:web.test --certificate-authority "$(spki ca.pem)"
expect 3 evault policy simulate p.yaml --operation sign --certificate-name dns:web.test
expect 3 evault policy simulate p.yaml --operation delete_key --certificate-key "$(spki host.pem)"
says 'be one of "owner"'
expect 2 evault policy simulate p.yaml --operation sign --certificate-key short

vault=$(member 1)
evault key create --type p256 --name hosted --policy p.yaml --vault "$vault" --output json > created
handle=$(sed 's/.*"handle":"\([^"]*\)".*/\1/' created)
lineage=$(sed 's/.*"lineage":"\([^"]*\)".*/\1/' created)
key="$handle@$lineage"
evault key show hosted --vault "$vault" --pem k.pem

# Whom the policy names signs, and does nothing else.
for profile in host web; do
    evault key sign "$key" --in m --out "$profile.sig" --vault "$vault" --profile "$profile"
    openssl dgst -sha256 -verify k.pem -signature "$profile.sig" m
    expect 3 evault key delete "$key" --yes --vault "$vault" --profile "$profile"
    expect 3 evault key create --type p256 --vault "$vault" --policy p.yaml --profile "$profile"
    says role_required
done

# To everybody else there is no such key.
expect 8 evault key sign "$key" --in m --vault "$vault" --profile other
says not_found

# The log names the key of the certificate.
evault audit read --vault "$vault" --profile auditor > log
grep -q "certificate $(spki host.pem | cut -c1-12)" log
expect 0 evault audit read --vault "$vault" --profile auditor --output json
says "{\"kind\":\"certificate\",\"spki\":\"$(spki web.leaf)\"}"
