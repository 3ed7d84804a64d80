package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// verifyProofs verifies a file of proofs, as in vectors/audit, and counts them.
func verifyProofs(text []byte) (count int, err error) {
	value, err := canonical(text, 1<<20)
	if err != nil {
		return 0, err
	}
	file, _ := value.(map[string]any)
	inclusion, both := file["inclusion"].([]any)
	consistency, ok := file["consistency"].([]any)
	if !both || !ok {
		return 0, errors.New("not a file of proofs")
	}
	for _, item := range inclusion {
		p := proof{object: item}
		index, size := p.number("index"), p.number("size")
		leaf, root := p.hash("leaf_hash"), p.hash("root")
		err := errors.Join(p.err, tlog.CheckRecord(p.hashes("proof"), size, root, index, leaf), p.err)
		if err != nil {
			return count, fmt.Errorf("inclusion of %d in %d: %w", index, size, err)
		}
		count++
	}
	for _, item := range consistency {
		p := proof{object: item}
		from, to := p.number("old"), p.number("new")
		oldRoot, newRoot := p.hash("old_root"), p.hash("new_root")
		err := errors.Join(p.err, tlog.CheckTree(p.hashes("proof"), to, newRoot, from, oldRoot), p.err)
		if err != nil {
			return count, fmt.Errorf("consistency of %d and %d: %w", from, to, err)
		}
		count++
	}
	return count, nil
}

// proof reads members of one proof and keeps what was wrong.
type proof struct {
	object any
	err    error
}

func (p *proof) member(name string) any {
	object, _ := p.object.(map[string]any)
	return object[name]
}

func (p *proof) text(value any) string {
	text, ok := value.(string)
	if !ok {
		p.err = errors.New("a malformed proof")
	}
	return text
}

func (p *proof) number(name string) int64 {
	value, err := strconv.ParseInt(p.text(p.member(name)), 10, 64)
	if err != nil {
		p.err = err
	}
	return value
}

func (p *proof) hash(name string) tlog.Hash { return p.toHash(p.member(name)) }

func (p *proof) toHash(value any) (hash tlog.Hash) {
	raw, err := hex.DecodeString(p.text(value))
	if err != nil || copy(hash[:], raw) != tlog.HashSize {
		p.err = errors.New("a malformed hash")
	}
	return hash
}

func (p *proof) hashes(name string) (hashes []tlog.Hash) {
	list, _ := p.member(name).([]any)
	for _, item := range list {
		hashes = append(hashes, p.toHash(item))
	}
	return hashes
}
