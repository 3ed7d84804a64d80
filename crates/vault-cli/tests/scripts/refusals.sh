. "$SCRIPTS/prelude"

printf 'a message' > m
evault key create --type p256 --name mine --output json > created
handle=$(sed 's/.*"handle":"\([^"]*\)".*/\1/' created)
lineage=$(sed 's/.*"lineage":"\([^"]*\)".*/\1/' created)

# Nobody else learns that it exists, by whichever name they ask.
for profile in stranger other-owner auditor; do
    for key in "$handle" "$handle@$lineage" mine; do
        expect 8 evault key sign "$key" --in m --profile "$profile"
        expect 8 evault key show "$key" --profile "$profile"
        expect 8 evault policy show "$key" --profile "$profile"
        expect 8 evault key delete "$key" --yes --profile "$profile"
    done
done

# Roles.
expect 3 evault key create --type p256 --profile stranger
says role_required
expect 3 evault audit read --profile owner --vault "$(member 1)"

# Names are taken once.
expect 9 evault key create --type p256 --name mine
says already_exists

# Another lineage under the same handle is another key.
expect 9 evault key sign "$handle@$(printf '%064d' 0)" --in m
says lineage_mismatch

# What is wrong here, and not there.
expect 2 evault key sign mine --in no-such-file
says no-such-file
expect 2 evault key create
expect 2 evault nonsense
expect 2 evault key sign mine --in m --profile nobody
expect 2 evault key delete mine
expect 4 sh -c "sed 's/client_id = .owner.*/client_id = \"nobody\"/' D/config.toml > bad.toml; evault whoami --config bad.toml"

# Another root of attestation: not to be retried.
expect 6 evault vault list --trust intel
says attestation_refused

# A manifest that the governance key did not sign.
sed 's/"operator":"evault dev"/"operator":"somebody"/' D/manifest.json > changed.json
expect 6 evault key sign mine --in m --manifest changed.json
says manifest_refused

# Another vault at the place of this one: refused by name. Nobody there: to be retried.
one=$(member 1)
two=$(member 2)
place=$(evault vault inspect "$two" --output json | sed 's/.*"endpoint":"\([^"]*\)".*/\1/')
unlisted other.toml
printf '\n[[vaults]]\nendpoint = "%s"\nvault_id = "%s"\n' "$place" "$one" >> other.toml
expect 6 evault key list --vault "$one" --config other.toml
says attestation_refused
says "$one"
unlisted gone.toml
printf '\n[[vaults]]\nendpoint = "127.0.0.1:1"\nvault_id = "%s"\n' "$one" >> gone.toml
expect 5 evault key list --vault "$one" --config gone.toml
says unavailable

# Of four vaults one is known: partial, and a call says which it cannot reach.
unlisted some.toml
printf '\n[[vaults]]\nendpoint = "%s"\nvault_id = "%s"\n' "$place" "$two" >> some.toml
expect 10 evault vault list --config some.toml
expect 0 evault vault list --config some.toml --allow-partial
says unavailable
expect 0 evault key list --vault "$two" --config some.toml
# A vault that is not in the manifest is not asked for.
printf '\n[[vaults]]\nendpoint = "127.0.0.1:1"\nvault_id = "%064d"\n' 0 >> some.toml
expect 2 evault vault list --config some.toml

# What people are told: what happened, who has to act, what to try.
expect 8 evault key show nothing
says 'error:'
says 'to act:'
says 'next: evault '
