package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	originPrefix = "enclave-vaults/log/v1/"
	longestNote  = 1 << 20
)

// key is the identity of one vault: what signs its checkpoints.
type key struct {
	vaultID  string
	verifier note.Verifier
}

func (k key) origin() string { return originPrefix + k.vaultID }

// newKey derives the vault id and the verifier key from an Ed25519 public key.
func newKey(public ed25519.PublicKey) (key, error) {
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return key{}, err
	}
	id := sha256.Sum256(append([]byte("enclave-vaults/vault-id/v1\x00"), spki...))
	k := key{vaultID: hex.EncodeToString(id[:])}
	vkey, err := note.NewEd25519VerifierKey(k.origin(), public)
	if err != nil {
		return key{}, err
	}
	k.verifier, err = note.NewVerifier(vkey)
	return k, err
}

// parseKey reads PEM (SubjectPublicKeyInfo) or the text of a verifier key, whose name must be that
// of the log of this very key.
func parseKey(text []byte) (key, error) {
	if block, _ := pem.Decode(text); block != nil {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		public, ok := parsed.(ed25519.PublicKey)
		if err != nil || !ok {
			return key{}, errors.New("not an Ed25519 key in PEM")
		}
		return newKey(public)
	}
	vkey := strings.TrimSuffix(string(text), "\n")
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return key{}, err
	}
	fields := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(fields[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != 1 {
		return key{}, errors.New("not a verifier key of type 0x01")
	}
	k, err := newKey(ed25519.PublicKey(raw[1:]))
	if err == nil && verifier.Name() != k.origin() {
		err = errors.New("the verifier key does not have the name of its vault's log")
	}
	return k, err
}

// checkpoint is the head of a log.
type checkpoint struct {
	size int64
	root tlog.Hash
}

// parseCheckpoint reads a signed note of the vault with this key. Extension lines are ignored.
func parseCheckpoint(signed []byte, k key) (checkpoint, error) {
	if len(signed) > longestNote {
		return checkpoint{}, errors.New("the note is too large")
	}
	opened, err := note.Open(signed, note.VerifierList(k.verifier))
	if err != nil {
		return checkpoint{}, err
	}
	if err := everyLineHolds(signed, k); err != nil {
		return checkpoint{}, err
	}
	lines := strings.Split(strings.TrimSuffix(opened.Text, "\n"), "\n")
	if len(lines) < 3 || lines[0] != k.origin() {
		return checkpoint{}, errors.New("not a checkpoint of this log")
	}
	for _, line := range lines {
		if line == "" {
			return checkpoint{}, errors.New("an empty line in a checkpoint")
		}
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return checkpoint{}, errors.New("malformed size")
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil || root.String() != lines[2] {
		return checkpoint{}, errors.New("malformed root")
	}
	return checkpoint{size, root}, nil
}

// everyLineHolds: the library passes over a second line of the same key, and over unused bits of
// base64; the format does not.
func everyLineHolds(signed []byte, k key) error {
	at := bytes.LastIndex(signed, []byte("\n\n")) + 2
	text, lines := signed[:at], signed[at:]
	for line := range bytes.Lines(lines) {
		encoded := line[bytes.LastIndexByte(line, ' ')+1 : len(line)-1]
		if _, err := base64.StdEncoding.Strict().DecodeString(string(encoded)); err != nil {
			return err
		}
		alone := append(bytes.Clone(text), line...)
		_, err := note.Open(alone, note.VerifierList(k.verifier))
		var unverified *note.UnverifiedNoteError
		if err != nil && !errors.As(err, &unverified) {
			return fmt.Errorf("a signature line: %w", err)
		}
	}
	return nil
}
