// auditvectors writes vectors/audit/go: a log whose tree, proofs, tiles and notes were made by
// golang.org/x/mod/sumdb, for verifiers that are not written in Go.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// The keys of RFC 8032, 7.1, tests 2 and 3: of the vault, and of a witness.
const (
	vaultSeed   = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
	witnessSeed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"
)

// The sizes of trees between which there are proofs.
var sizes = []int64{1, 2, 3, 4, 7, 8, 13, 21, 255, 256, 257, 300}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func private(seed string) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(must(hex.DecodeString(seed)))
}

// signer gives the signer and the verifier's key under a name.
func signer(name, seed string) (note.Signer, string) {
	key := private(seed)
	vkey := must(note.NewEd25519VerifierKey(name, key.Public().(ed25519.PublicKey)))
	id := strings.Split(vkey, "+")[1]
	raw := append([]byte{1}, key.Seed()...)
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, id, base64.StdEncoding.EncodeToString(raw))
	return must(note.NewSigner(skey)), vkey
}

func origin() string {
	spki := must(x509.MarshalPKIXPublicKey(private(vaultSeed).Public()))
	id := sha256.Sum256(append([]byte("enclave-vaults/vault-id/v1\x00"), spki...))
	return "enclave-vaults/log/v1/" + hex.EncodeToString(id[:])
}

func leaf(index int64) []byte {
	principal := fmt.Sprintf(`{"issuer":"https://issuer.example","kind":"oidc","subject":"user \u001b %d"}`, index)
	return fmt.Appendf(nil, `{"allowed":"%t","approvals":[],"change_hash":"","format":"enclave-vaults/log-entry/v1",`+
		`"handle":"","lineage":"","operation":"sign","outcome":"%d","policy_hash":"","principals":[%s],"reason":"",`+
		`"request_hash":"%x","time_hi":"","time_lo":"%d","version":""}`,
		index%2 == 0, index, principal, sha256.Sum256([]byte{byte(index)}), 1700000000+index)
}

// log is a tree with its leaves.
type log struct {
	leaves [][]byte
	stored []tlog.Hash
}

func (l *log) ReadHashes(indexes []int64) (hashes []tlog.Hash, err error) {
	for _, index := range indexes {
		hashes = append(hashes, l.stored[index])
	}
	return hashes, nil
}

func newLog(size int64) *log { return newFork(size, size) }

// newFork is the same log up to this size, and another one from there.
func newFork(common, size int64) *log {
	l := &log{}
	for index := range size {
		next := leaf(index)
		if index >= common {
			next = leaf(index + 1000)
		}
		l.leaves = append(l.leaves, next)
		l.stored = append(l.stored, must(tlog.StoredHashes(index, next, l))...)
	}
	return l
}

func (l *log) root(size int64) tlog.Hash { return must(tlog.TreeHash(size, l)) }

func (l *log) checkpoint(size int64, signers ...note.Signer) []byte {
	text := fmt.Sprintf("%s\n%d\n%s\n", origin(), size, l.root(size))
	return must(note.Sign(&note.Note{Text: text}, signers...))
}

func (l *log) export(signed ...[]byte) []byte {
	out := []byte(`{"format":"enclave-vaults/log-export/v1"}` + "\n")
	for _, leaf := range l.leaves {
		out = fmt.Appendf(out, "{\"leaf\":\"%s\"}\n", base64.StdEncoding.EncodeToString(leaf))
	}
	for _, note := range signed {
		out = fmt.Appendf(out, "{\"checkpoint\":\"%s\"}\n", base64.StdEncoding.EncodeToString(note))
	}
	return out
}

func quoted(hashes []tlog.Hash) string {
	var items []string
	for _, hash := range hashes {
		items = append(items, fmt.Sprintf(`"%x"`, hash[:]))
	}
	return "[" + strings.Join(items, ",") + "]"
}

func (l *log) proofs() []byte {
	var inclusion, consistency []string
	for _, size := range sizes {
		root := l.root(size)
		for _, index := range []int64{0, 1, size / 2, size - 2, size - 1} {
			if index < 0 || index >= size {
				continue
			}
			proof, leafHash := must(tlog.ProveRecord(size, index, l)), tlog.RecordHash(l.leaves[index])
			inclusion = append(inclusion, fmt.Sprintf(`{"index":"%d","leaf_hash":"%x","proof":%s,"root":"%x","size":"%d"}`,
				index, leafHash[:], quoted(proof), root[:], size))
		}
		for _, old := range sizes {
			if old > size {
				continue
			}
			oldRoot := l.root(old)
			consistency = append(consistency, fmt.Sprintf(`{"new":"%d","new_root":"%x","old":"%d","old_root":"%x","proof":%s}`,
				size, root[:], old, oldRoot[:], quoted(must(tlog.ProveTree(size, old, l)))))
		}
	}
	return fmt.Appendf(nil, `{"consistency":[%s],"inclusion":[%s]}`, strings.Join(consistency, ","), strings.Join(inclusion, ","))
}

// tiles gives the files of the layout by name.
func (l *log) tiles() map[string][]byte {
	files := map[string][]byte{}
	for _, tile := range tlog.NewTiles(8, 0, int64(len(l.leaves))) {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		files[path] = must(tlog.ReadTileData(tile, l))
		if tile.L > 0 {
			continue
		}
		var bundle []byte
		for _, leaf := range l.leaves[tile.N*256 : tile.N*256+int64(tile.W)] {
			bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(leaf)))
			bundle = append(bundle, leaf...)
		}
		files[strings.Replace(path, "tile/0/", "tile/entries/", 1)] = bundle
	}
	return files
}

// evidence of two heads, as docs/rollback.md has it.
func evidence(kind string, seen, answered []byte) []byte {
	spki := must(x509.MarshalPKIXPublicKey(private(vaultSeed).Public()))
	id := strings.TrimPrefix(origin(), "enclave-vaults/log/v1/")
	head := func(note []byte) string {
		text := strings.ReplaceAll(string(note), "\n", `\n`)
		return fmt.Sprintf(`{"boot_id":"","carried_by":"","checkpoint":"%s"}`, text)
	}
	return fmt.Appendf(nil, `{"answered":%s,"format":"enclave-vaults/head-evidence/v2","found":"answer","found_at":"1700000000",`+
		`"identity_key":"%s","kind":"%s","seen":%s,"vault_id":"%s"}`+"\n",
		head(answered), base64.StdEncoding.EncodeToString(spki), kind, head(seen), id)
}

// vectors gives all files by name.
func vectors() map[string][]byte {
	vault, vkey := signer(origin(), vaultSeed)
	witness, _ := signer("witness.example/1", witnessSeed)
	whole, short := newLog(300), newLog(21)
	fork := newFork(8, 21)
	files := map[string][]byte{
		"identity.vkey":               []byte(vkey + "\n"),
		"checkpoint.note":             whole.checkpoint(300, vault),
		"cosigned.note":               whole.checkpoint(300, witness, vault),
		"export.jsonl":                short.export(short.checkpoint(0, vault), short.checkpoint(8, vault), short.checkpoint(21, witness, vault)),
		"proofs.json":                 whole.proofs(),
		"evidence/two_logs.json":      evidence("fork", short.checkpoint(21, vault), fork.checkpoint(21, vault)),
		"evidence/shorter_later.json": evidence("rollback", short.checkpoint(21, vault), fork.checkpoint(13, vault)),
		"evidence/not_linked.json":    evidence("fork", short.checkpoint(13, vault), fork.checkpoint(21, witness, vault)),
		"tiles/checkpoint":            whole.checkpoint(300, vault),
	}
	for name, data := range whole.tiles() {
		files["tiles/"+name] = data
	}
	return files
}

func main() {
	out := flag.String("out", "../vectors/audit/go", "where to")
	flag.Parse()
	for name, data := range vectors() {
		path := filepath.Join(*out, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			panic(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			panic(err)
		}
	}
}
