package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	evidenceFormat  = "enclave-vaults/head-evidence/v2"
	longestEvidence = 64 << 10
	// Of what another release may have written.
	longestOfAnyFormat = 1 << 20
)

var (
	errUnknownFormat = errors.New("unknown format")
	errTooLong       = errors.New("longer than evidence may be")
)

var bootID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// evidence is two heads that one vault signed.
type evidence struct {
	kind           string
	key            key
	seen, answered checkpoint
	notes          [2]string
}

// id names the two heads.
func (e evidence) id() string {
	text := strings.Join([]string{evidenceFormat, e.key.vaultID, e.kind, e.notes[0], e.notes[1]}, "\n")
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:32]
}

// verifyEvidence says what the file proves to somebody who was not there, as docs/rollback.md has it.
func verifyEvidence(text []byte) (found evidence, proves string, err error) {
	text = bytes.TrimSuffix(text, []byte("\n"))
	if len(text) > longestOfAnyFormat {
		return found, "", errTooLong
	}
	value, err := canonical(text, 1<<12)
	if err != nil {
		return found, "", err
	}
	m, _ := value.(map[string]any)
	if format, _ := m["format"].(string); format != evidenceFormat && format != "" {
		return found, "", fmt.Errorf("%w %q", errUnknownFormat, format)
	}
	if len(text) > longestEvidence {
		return found, "", errTooLong
	}
	if found, err = readEvidence(members(m)); err != nil {
		return found, "", err
	}
	proves, err = found.proves()
	return found, proves, err
}

func readEvidence(m members) (e evidence, err error) {
	e.kind, _ = m["kind"].(string)
	spki, _ := m["identity_key"].(string)
	id, _ := m["vault_id"].(string)
	seen, answered := m["seen"], m["answered"]
	delete(m, "seen")
	delete(m, "answered")
	err = errors.Join(
		m.text("format", is(evidenceFormat)),
		m.text("kind", is("rollback", "fork")),
		m.text("found", is("answer", "refusal", "exchange", "proof", "boots")),
		m.text("found_at", func(text string) bool { return text != "" && number(64)(text) }),
		m.text("identity_key", anyText), m.text("vault_id", isHash),
	)
	if err == nil && len(m) > 0 {
		err = errors.New("a member that evidence does not have")
	}
	if err != nil {
		return e, err
	}
	der, err := base64.StdEncoding.Strict().DecodeString(spki)
	if err != nil {
		return e, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return e, err
	}
	public, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return e, errors.New("not an Ed25519 key")
	}
	if e.key, err = newKey(public); err != nil {
		return e, err
	}
	if e.key.vaultID != id {
		return e, errors.New("the vault id is not that of the key")
	}
	if e.seen, e.notes[0], err = readHead(seen, e.key); err != nil {
		return e, fmt.Errorf("seen: %w", err)
	}
	if e.answered, e.notes[1], err = readHead(answered, e.key); err != nil {
		return e, fmt.Errorf("answered: %w", err)
	}
	return e, nil
}

func readHead(value any, k key) (head checkpoint, signed string, err error) {
	object, _ := value.(map[string]any)
	m := members(object)
	signed, _ = m["checkpoint"].(string)
	err = errors.Join(
		m.text("checkpoint", anyText),
		m.text("boot_id", absentOr(bootID.MatchString)),
		m.text("carried_by", absentOr(isHash)),
	)
	if err == nil && len(m) > 0 {
		err = errors.New("a member that heads do not have")
	}
	if err != nil {
		return head, signed, err
	}
	head, err = parseCheckpoint([]byte(signed), k)
	return head, signed, err
}

func (e evidence) proves() (string, error) {
	switch {
	case e.seen == e.answered:
		return "", errors.New("two heads that are one and the same")
	case e.seen.size == e.answered.size:
		return "two_logs", nil
	case e.kind == "fork":
		return "not_linked", nil
	case e.answered.size > e.seen.size:
		return "", errors.New("a rollback to a longer log")
	}
	return "shorter_later", nil
}
