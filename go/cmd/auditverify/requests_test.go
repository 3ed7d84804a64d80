package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"testing"
)

// What a caller does who shows what it asked for: docs/audit-log.md, "Salts".
func TestTheHashOfEachRequestIsThatOfItsTextAndSalt(t *testing.T) {
	lines := bufio.NewScanner(bytes.NewReader(read(t, vectors+"requests.jsonl")))
	operations := map[string]bool{}
	for lines.Scan() {
		var v struct {
			Canonical   string `json:"canonical"`
			RequestHash string `json:"request_hash"`
			RequestSalt string `json:"request_salt"`
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		salt, err := hex.DecodeString(v.RequestSalt)
		if err != nil || len(salt) != 32 {
			t.Fatal("salt", v.RequestSalt)
		}
		text := bytes.Join([][]byte{[]byte("enclave-vaults/log-request/v1\x00"), salt, []byte(v.Canonical)}, nil)
		hash := sha256.Sum256(text)
		if hex.EncodeToString(hash[:]) != v.RequestHash {
			t.Error(v.Canonical)
		}
		var request map[string]any
		if err := json.Unmarshal([]byte(v.Canonical), &request); err != nil {
			t.Fatal(err)
		}
		operations[request["operation"].(string)] = true
	}
	if len(operations) < 20 {
		t.Error("only", len(operations), "operations")
	}
}
