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
expect 3 evault audit read --profile owner

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

# Another root of attestation, another vault: not to be retried.
expect 6 evault vault list --trust intel
says attestation_refused
sed 's/^measurement = ".*"/measurement = "0000000000000000000000000000000000000000000000000000000000000000"/' D/config.toml > other.toml
expect 6 evault key sign mine --in m --config other.toml
says attestation_refused

# Nobody there.
sed 's/^endpoint = ".*"/endpoint = "127.0.0.1:1"/' D/config.toml > gone.toml
expect 5 evault key sign mine --in m --config gone.toml
says unavailable

# Of two vaults one is not there: partial; and a call must say which it means.
{ cat D/config.toml; printf '\n[[vaults]]\nendpoint = "127.0.0.1:1"\nvault_id = "%064d"\n' 0; } > two.toml
expect 10 evault vault list --config two.toml
expect 0 evault vault list --config two.toml --allow-partial
says unavailable
expect 2 evault key list --config two.toml
expect 5 evault key list --config two.toml --vault 000000

# What people are told: what happened, who has to act, what to try.
expect 8 evault key show nothing
says 'error:'
says 'to act:'
says 'next: evault '
