. "$SCRIPTS/prelude"

printf 'a message' > m
vault=$(member 1)
evault key create --type p256 --name logged --vault "$vault" > /dev/null
evault key sign logged --in m --out m.sig

export EVAULT_PROFILE=auditor
evault audit read --vault "$vault" > log
grep -q create_key log
grep -q sign log
# Any stretch is proven by itself.
evault audit read --vault "$vault" --from 1 --to 2 > one
test "$(wc -l < one)" = 2
test "$(tail -n 1 one | tr -s ' ')" = "$(sed -n 3p log | tr -s ' ')"
expect 2 evault audit read --vault "$vault" --to 1000000
says 'no such entries'
expect 2 evault audit verify
says '--vault'
expect 0 evault audit verify --vault "$vault"
says 'the log holds'
evault audit export --vault "$vault" --out early.export --identity identity.pem --vkey log.vkey --checkpoint early
head -n 1 early | grep -q '^enclave-vaults/log/v1/'
grep -q '^enclave-vaults/log/v1/[0-9a-f]*+[0-9a-f]*+A' log.vkey
cp early.export log.export
evault audit export --vault "$vault" --format tiles --out log.tiles

evault key sign logged --in m --out m.sig --profile owner
expect 0 evault audit verify --vault "$vault" --since early
says 'extends the checkpoint'
# What is there is continued; an export holds every checkpoint under which it was continued.
evault audit export --vault "$vault" --out log.export --checkpoint late
test "$(grep -c '"checkpoint"' log.export)" = 2
evault audit export --vault "$vault" --format tiles --out log.tiles --output json > exported
grep -q '"kept":[1-9]' exported
cmp late log.tiles/checkpoint

# Offline: no configuration, no vault, no key code.
configured=$EVAULT_CONFIG
unset EVAULT_CONFIG
export HOME="$PWD"
unset XDG_CONFIG_HOME XDG_STATE_HOME
expect 0 evault audit verify --file log.export --identity identity.pem --since early
test "$(head -n 1 early | sed 's/.*\///')" = "$vault"
expect 0 evault audit verify --file log.export --identity log.vkey --vault "$vault"
expect 0 evault audit verify --file - --identity log.vkey < log.export
expect 0 evault audit verify --file log.tiles --identity log.vkey --since early
expect 7 evault audit verify --file log.export --identity identity.pem --vault 00
expect 2 evault audit verify --file log.export
expect 2 evault audit verify --file log.export --identity early

# An earlier log does not extend a later checkpoint, and says nothing against the vault; a changed one
# does not hold.
expect 6 evault audit verify --file early.export --identity identity.pem --since late
says rollback_detected
says "answered $(sed -n 2p early)@"
says 'older than the checkpoint'
test ! -e evault-evidence
sed '3d' log.export > dropped.export
expect 7 evault audit verify --file dropped.export --identity identity.pem
says verification_failed
cp -r log.tiles damaged.tiles
printf 'x' >> "damaged.tiles/tile/entries/000.p/$(sed -n 2p late)"
expect 7 evault audit verify --file damaged.tiles --identity identity.pem
expect 7 evault audit verify --file early --identity identity.pem

# A damaged export is not continued, and stays as it is.
export EVAULT_CONFIG=$configured
cp dropped.export before
expect 7 evault audit export --vault "$vault" --out dropped.export
cmp before dropped.export

# Nor does a checkpoint take the place of anything but one that it extends.
sed '2s/.*/1/' late > changed
cp changed before
expect 7 evault audit export --vault "$vault" --out next.export --checkpoint changed
says 'not replaced'
cmp before changed
test ! -e next.export
expect 7 evault audit export --vault "$vault" --format tiles --out damaged.tiles
says 'remove it'

# Followers go on where they were, each for itself.
evault audit follow --vault "$vault" --as one --once > followed
evault audit follow --vault "$vault" --as one --once > again
test ! -s again
evault key sign logged --in m --out m.sig --profile owner
evault audit follow --vault "$vault" --as one --once --output json > more
test "$(wc -l < more)" = 1
grep -q '"operation":"sign"' more
evault audit follow --vault "$vault" --once > all
test "$(wc -l < all)" = "$(($(wc -l < followed) + 1))"
expect 2 evault audit follow --vault "$vault" --as ../x --once
expect 3 evault audit follow --vault "$vault" --as stranger --once --profile owner
