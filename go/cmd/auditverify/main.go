// auditverify verifies exports of a vault's audit log. It was written from docs/audit-log.md and
// shares no code with the vault: trees, proofs and notes are those of golang.org/x/mod/sumdb.
//
//	auditverify -key identity.pem [-vault-id HEX] [-since CHECKPOINT] EXPORT...
//
// An EXPORT is a file of lines, a directory of tiles, a checkpoint (its signature alone is verified), a receipt with
// the request that it is of, evidence of a rollback or fork (docs/rollback.md), or proofs of vectors/audit. One line is
// printed for each. The exit code is 6 if one does not extend the checkpoint of -since, else 7 if one does not hold,
// else 2 if one cannot be read, or cannot tell without the log whether it extends.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
)

var (
	errNotExtended = errors.New("the log does not extend the checkpoint")
	errCannotTell  = errors.New("without the log nobody can tell whether it extends the checkpoint")
	errUnreadable  = errors.New("it cannot be read")
)

// codeOf gives the exit code.
func codeOf(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNotExtended):
		return 6
	case errors.Is(err, errUnreadable), errors.Is(err, errCannotTell):
		return 2
	}
	return 7
}

// worse gives the one of two exit codes that says more.
func worse(a, b int) int {
	for _, code := range []int{6, 7, 2} {
		if a == code || b == code {
			return code
		}
	}
	return 0
}

// readable gives the content of a file; that there is none says nothing about a log.
func readable(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		err = fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return text, err
}

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
		os.Exit(codeOf(err))
	}
	code := 0
	for _, name := range flag.Args() {
		said, err := verify(name, k, earlier)
		if err == nil {
			fmt.Println("holds:", name, said)
			continue
		}
		code = worse(code, codeOf(err))
		fmt.Println("refused:", name, err)
	}
	os.Exit(code)
}

func prepare(keyFile, vaultID, since string) (k key, earlier *checkpoint, err error) {
	text, err := readable(keyFile)
	if err != nil {
		return k, nil, err
	}
	if k, err = parseKey(text); err != nil {
		return k, nil, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if vaultID != "" && vaultID != k.vaultID {
		return k, nil, fmt.Errorf("the key is that of vault %s", k.vaultID)
	}
	if since == "" {
		return k, nil, nil
	}
	signed, err := readable(since)
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
		return "", fmt.Errorf("%w: %w", errUnreadable, err)
	}
	var log verified
	if info.IsDir() {
		log, err = verifyTiles(os.DirFS(name), k)
	} else {
		var text []byte
		if text, err = readable(name); err != nil {
			return "", err
		}
		switch {
		case bytes.HasPrefix(text, []byte(originPrefix)):
			head, err := parseCheckpoint(text, k)
			if err == nil {
				err = extends(head, earlier)
			}
			return describe(head), err
		case bytes.HasPrefix(text, []byte(`{"checkpoint":`)):
			said, head, err := verifyReceipt(text, k)
			if err == nil {
				err = extends(head, earlier)
			}
			return said, err
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
		err = notExtended(*earlier, log.head)
	}
	return describe(log.head), err
}

func notExtended(seen, answered checkpoint) error {
	return fmt.Errorf("%w: seen %s, answered %s", errNotExtended, describe(seen), describe(answered))
}

// extends holds a head without its log to an earlier one.
func extends(head checkpoint, earlier *checkpoint) error {
	switch {
	case earlier == nil || head == *earlier:
		return nil
	case earlier.size == 0 && (&tree{}).holds(*earlier) == nil:
		return nil
	case head.size > earlier.size:
		return errCannotTell
	}
	return notExtended(*earlier, head)
}

func describe(head checkpoint) string { return fmt.Sprintf("%d@%x", head.size, head.root[:]) }
