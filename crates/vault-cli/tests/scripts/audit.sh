. "$SCRIPTS/prelude"

printf 'a message' > m
vault=$(member 1)
evault key create --type p256 --name logged --vault "$vault" > /dev/null
evault key sign logged --in m --out m.sig

export EVAULT_PROFILE=auditor
evault audit read --vault "$vault" > log
grep -q create_key log
grep -q sign log
expect 2 evault audit verify
says '--vault'
expect 0 evault audit verify --vault "$vault"
says 'the log holds'
evault audit export --vault "$vault" --out early.export --identity identity.pem --checkpoint early
head -n 1 early | grep -q '^enclave-vaults/log/v1/'

evault key sign logged --in m --out m.sig --profile owner
expect 0 evault audit verify --vault "$vault" --since early
evault audit export --vault "$vault" --out log.export --checkpoint late

# Offline: no configuration, no vault, no key code.
unset EVAULT_CONFIG
expect 0 evault audit verify --file log.export --identity identity.pem --since early
test "$(head -n 1 early | sed 's/.*\///')" = "$vault"
expect 0 evault audit verify --file log.export --identity identity.pem --vault "$vault"
expect 7 evault audit verify --file log.export --identity identity.pem --vault 00
expect 2 evault audit verify --file log.export

# An earlier log does not extend a later checkpoint; a changed one does not hold.
expect 6 evault audit verify --file early.export --identity identity.pem --since late
says rollback_detected
sed '3d' log.export > dropped.export
expect 7 evault audit verify --file dropped.export --identity identity.pem
says verification_failed
