. "$SCRIPTS/prelude"

printf 'a message' > m
evault key create --type p256 --name n > /dev/null
evault key sign n --in m --out m.sig

export EVAULT_PROFILE=auditor
evault audit read > log
grep -q create_key log
grep -q sign log
expect 0 evault audit verify
says 'the log holds'
evault audit export --out early.export --identity identity.pem --checkpoint early
head -n 1 early | grep -q '^enclave-vaults/log/v1/'

evault key sign n --in m --out m.sig --profile owner
expect 0 evault audit verify --since early
evault audit export --out log.export --checkpoint late

# Offline: no configuration, no vault, no key code.
unset EVAULT_CONFIG
expect 0 evault audit verify --file log.export --identity identity.pem --since early
vault=$(head -n 1 early | sed 's/.*\///')
expect 0 evault audit verify --file log.export --identity identity.pem --vault "$vault"
expect 7 evault audit verify --file log.export --identity identity.pem --vault 00
expect 2 evault audit verify --file log.export

# An earlier log does not extend a later checkpoint; a changed one does not hold.
expect 6 evault audit verify --file early.export --identity identity.pem --since late
says rollback_detected
sed '3d' log.export > dropped.export
expect 7 evault audit verify --file dropped.export --identity identity.pem
says verification_failed
