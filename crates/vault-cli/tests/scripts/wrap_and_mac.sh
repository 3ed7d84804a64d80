. "$SCRIPTS/prelude"

printf 'a secret of some volume' > secret
printf 'volume 7' > aad
printf 'volume 8' > other

evault key create --type aes256-gcm --name kek > /dev/null
evault key wrap kek --in secret --out secret.wrapped --aad aad
evault key unwrap kek --in secret.wrapped --out secret.again --aad aad
cmp secret secret.again
test "$(stat -c %a secret.again)" = 600

# Never to a terminal or into JSON unless it is asked for.
expect 0 evault key unwrap kek --in secret.wrapped --out secret.json --aad aad --output json
! grep -q plaintext_b64 out
expect 0 evault key unwrap kek --in secret.wrapped --out - --aad aad --output json
says plaintext_b64
evault key unwrap kek --in secret.wrapped --out - --aad aad > secret.stdout
cmp secret secret.stdout

# Another context, and changed bytes.
expect 7 evault key unwrap kek --in secret.wrapped --out none --aad other
says decryption_failed
{ cat secret.wrapped; printf x; } > longer
expect 7 evault key unwrap kek --in longer --out none --aad aad
test ! -e none

evault key create --type hmac-sha256 --name session > /dev/null
evault key mac session --in secret --out tag
test "$(wc -c < tag)" -eq 32
expect 0 evault key mac session --in secret --verify tag
expect 7 evault key mac session --in aad --verify tag

# A type that cannot do it: no rule of its policy grants it.
expect 3 evault key sign session --in secret
says policy_denied
expect 2 evault key show session --pem session.pem
