// auditverify verifies exports of a vault's audit log. It was written from docs/audit-log.md and
// shares no code with the vault: trees, proofs and notes are those of golang.org/x/mod/sumdb.
//
//	auditverify -key identity.pem [-vault-id HEX] [-since CHECKPOINT] EXPORT...
//
// An EXPORT is a file of lines, a directory of tiles, a checkpoint (its signature alone is verified),
// evidence of a rollback or fork (docs/rollback.md), or proofs of vectors/audit. One line is printed for each; the exit code is 7 if one does not hold,
// and 6 if one does not extend the checkpoint.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
)

var errNotExtended = errors.New("the log does not extend the checkpoint")

func main() {
	keyFile := flag.String("key", "", "the vault's identity key: PEM or verifier key")
	vaultID := flag.String("vault-id", "", "the vault id that the key must have")
	since := flag.String("since", "", "an earlier checkpoint, which the log must extend")
	flag.Parse()
	if *keyFile == "" || flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	k, earlier, err := prepare(*keyFile, *vaultID, *since)
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(7)
	}
	code := 0
	for _, name := range flag.Args() {
		said, err := verify(name, k, earlier)
		switch {
		case err == nil:
			fmt.Println("holds:", name, said)
			continue
		case errors.Is(err, errNotExtended):
			code = 6
		case code == 0:
			code = 7
		}
		fmt.Println("refused:", name, err)
	}
	os.Exit(code)
}

func prepare(keyFile, vaultID, since string) (k key, earlier *checkpoint, err error) {
	text, err := os.ReadFile(keyFile)
	if err != nil {
		return k, nil, err
	}
	if k, err = parseKey(text); err != nil {
		return k, nil, err
	}
	if vaultID != "" && vaultID != k.vaultID {
		return k, nil, fmt.Errorf("the key is that of vault %s", k.vaultID)
	}
	if since == "" {
		return k, nil, nil
	}
	signed, err := os.ReadFile(since)
	if err != nil {
		return k, nil, err
	}
	head, err := parseCheckpoint(signed, k)
	return k, &head, err
}

// verify verifies whatever has this name.
func verify(name string, k key, earlier *checkpoint) (said string, err error) {
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	var log verified
	if info.IsDir() {
		log, err = verifyTiles(os.DirFS(name), k)
	} else {
		var text []byte
		if text, err = os.ReadFile(name); err != nil {
			return "", err
		}
		switch {
		case bytes.HasPrefix(text, []byte(originPrefix)):
			head, err := parseCheckpoint(text, k)
			return describe(head), err
		case bytes.HasPrefix(text, []byte(`{"answered":`)):
			found, proves, err := verifyEvidence(text)
			if err == nil && found.key.vaultID != k.vaultID {
				err = fmt.Errorf("the evidence is against vault %s", found.key.vaultID)
			}
			heads := "seen " + describe(found.seen) + ", answered " + describe(found.answered)
			return heads + ", proves " + proves, err
		case bytes.HasPrefix(text, []byte(`{"consistency":`)):
			count, err := verifyProofs(text)
			return fmt.Sprint(count, " proofs"), err
		}
		log, err = verifyLines(text, k)
	}
	if err == nil && earlier != nil && log.tree.holds(*earlier) != nil {
		err = fmt.Errorf("%w: seen %s, answered %s", errNotExtended, describe(*earlier), describe(log.head))
	}
	return describe(log.head), err
}

func describe(head checkpoint) string { return fmt.Sprintf("%d@%x", head.size, head.root[:]) }
