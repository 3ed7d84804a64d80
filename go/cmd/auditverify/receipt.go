package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

const requestTag = "enclave-vaults/log-request/v1\x00"

// verifyReceipt verifies what the caller of a logged operation was given, with the request that it sent: a file as
// vectors/audit/receipt.json.
func verifyReceipt(text []byte, k key) (said string, head checkpoint, err error) {
	value, err := canonical(trimNewline(text), mostValues)
	if err != nil {
		return "", head, err
	}
	p := proof{object: value}
	leaf, signed := p.base64("leaf"), p.base64("checkpoint")
	index, salt, hashes := p.number("index"), p.hash("request_salt"), p.hashes("proof")
	request := p.text(p.member("request"))
	if p.err != nil {
		return "", head, p.err
	}
	if head, err = parseCheckpoint(signed, k); err != nil {
		return "", head, err
	}
	if err := checkEntry(leaf); err != nil {
		return "", head, err
	}
	if err := tlog.CheckRecord(hashes, head.size, head.root, index, tlog.RecordHash(leaf)); err != nil {
		return "", head, err
	}
	entry, err := canonical(leaf, mostValues)
	if err != nil {
		return "", head, err
	}
	hash := sha256.Sum256(append(append([]byte(requestTag), salt[:]...), request...))
	if entry.(map[string]any)["request_hash"] != hex.EncodeToString(hash[:]) {
		return "", head, errors.New("the entry is of another request")
	}
	return fmt.Sprintf("entry %d of %s", index, describe(head)), head, nil
}

func trimNewline(text []byte) []byte {
	if length := len(text); length > 0 && text[length-1] == '\n' {
		return text[:length-1]
	}
	return text
}

func (p *proof) base64(name string) []byte {
	text := p.text(p.member(name))
	value, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || base64.StdEncoding.EncodeToString(value) != text {
		p.err = errors.New("another spelling of base64")
	}
	return value
}
