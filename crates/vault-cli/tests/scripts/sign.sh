. "$SCRIPTS/prelude"

printf 'a message' > m

# P-256: created, signed, shown, verified by openssl and by the vault.
evault key create --type p256 --name n --output json > created
grep -q '"handle":"k-' created
evault key sign n --in m --out m.sig
evault key show n --pem n.pem
openssl dgst -sha256 -verify n.pem -signature m.sig m
expect 0 evault key verify n --in m --signature m.sig
says valid
printf 'another message' > other
expect 7 evault key verify n --in other --signature m.sig
says 'NOT valid'

# The same from stdin to stdout.
evault key sign n --in - --out - < m > m.sig2
openssl dgst -sha256 -verify n.pem -signature m.sig2 m

# A digest that is made here.
evault key sign n --in m --digest sha256 --out m.sig3
openssl dgst -sha256 -verify n.pem -signature m.sig3 m
evault key verify n --in m --signature m.sig3

# r and s side by side.
evault key sign n --in m --format p1363 --out m.p1363
test "$(wc -c < m.p1363)" -eq 64
evault key verify n --in m --signature m.p1363 --format p1363

# Ed25519.
evault key create --type ed25519 --name e > /dev/null
evault key sign e --in m --out e.sig
test "$(wc -c < e.sig)" -eq 64
evault key show e --pem e.pem
openssl pkeyutl -verify -pubin -inkey e.pem -rawin -in m -sigfile e.sig
expect 2 evault key sign e --in m --format der

# Several processes share one memory.
for i in 1 2 3 4 5 6; do
    evault key sign n --in m --out "par.$i" &
done
wait
for i in 1 2 3 4 5 6; do
    openssl dgst -sha256 -verify n.pem -signature "par.$i" m
done

# What is written only its owner may read.
test "$(stat -c %a m.sig)" = 600
test "$(stat -c %a n.pem)" = 600

# Pages of keys, and the end of one.
evault key list > list
grep -q ' n ' list
grep -q ' e ' list
expect 0 evault key list --limit 1 --output json
grep -q '"next_page_token":"..*"' out
expect 0 evault key delete n --dry-run
evault key sign n --in m --out m.sig
expect 0 evault key delete n --yes
says destroyed
expect 8 evault key sign n --in m
