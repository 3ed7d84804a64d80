package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/sumdb/note"
)

const vectors = "../../../vectors/audit/"

// Both sets: those of the Rust implementation, and those of the Go library.
var sets = []string{vectors, vectors + "go/"}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func keyOf(t testing.TB, set string) key {
	t.Helper()
	k, err := parseKey(read(t, set+"identity.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestVectorsOfBothSidesHold(t *testing.T) {
	for _, set := range sets {
		k := keyOf(t, set)
		for _, name := range []string{"checkpoint.note", "export.jsonl", "tiles", "proofs.json"} {
			if said, err := verify(set+name, k, nil); err != nil {
				t.Error(set+name, err)
			} else {
				t.Log(set+name, said)
			}
		}
	}
	if _, err := verify(vectors+"go/cosigned.note", keyOf(t, vectors+"go/"), nil); err != nil {
		t.Error(err)
	}
	spki, err := base64.StdEncoding.DecodeString(string(read(t, vectors+"identity.spki.base64")))
	pem := "-----BEGIN PUBLIC KEY-----\n" + base64.StdEncoding.EncodeToString(spki) + "\n-----END PUBLIC KEY-----\n"
	k, err2 := parseKey([]byte(pem))
	if err != nil || err2 != nil || k.vaultID != keyOf(t, vectors).vaultID {
		t.Error("the same key in PEM", err, err2)
	}
	for _, name := range []string{"leaf.json", "leaf-bare.json", "leaf-certificate.json", "leaf-td.json"} {
		if err := checkEntry(read(t, vectors+name)); err != nil {
			t.Error(name, err)
		}
	}
}

func TestACertificateHasItsKeyAndNothingElse(t *testing.T) {
	leaf := string(read(t, vectors+"leaf-certificate.json"))
	start := strings.Index(leaf, `{"kind":"certificate"`)
	principal := leaf[start : start+strings.Index(leaf[start:], "}")+1]
	spki := strings.Split(principal, `"`)[7]
	for _, other := range []string{
		`{"kind":"certificate"}`,
		`{"kind":"certificate","spki":""}`,
		`{"kind":"certificate","spki":"` + strings.ToUpper(spki) + `"}`,
		`{"kind":"certificate","spki":"` + spki[2:] + `"}`,
		`{"kind":"certificate","san":"","spki":"` + spki + `"}`,
		`{"kind":"certificates","spki":"` + spki + `"}`,
		`{"kind":"enclave","spki":"` + spki + `"}`,
		`{"kind":"certificate","measurement":"` + spki + `","platform":"` + spki + `"}`,
	} {
		if err := checkEntry([]byte(strings.Replace(leaf, principal, other, 1))); err == nil {
			t.Error("accepted", other)
		}
	}
}

func TestEveryProofWithAnyHashChangedIsRefused(t *testing.T) {
	refused := 0
	for _, set := range sets {
		text := read(t, set+"proofs.json")
		for at := range text {
			if at+65 > len(text) || text[at-min(at, 1)] != '"' || !isHash(string(text[at:at+64])) {
				continue
			}
			changed := bytes.Clone(text)
			changed[at] = "1032547698abcdef"[strings.IndexByte("0123456789bafedc", text[at])]
			if _, err := verifyProofs(changed); err == nil {
				t.Fatalf("accepted with another %q", text[at-1:at+20])
			}
			refused++
		}
	}
	t.Log(refused, "changed proofs were refused")
}

// rewritten signs another head with the key of the vectors, as a vault would that lies.
func rewritten(t testing.TB, k key, size int64, root string) []byte {
	return signedText(t, k, fmt.Sprintf("%s\n%d\n%s\n", k.origin(), size, root))
}

func signedText(t testing.TB, k key, text string) []byte {
	seed, _ := hex.DecodeString("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
	secret := base64.StdEncoding.EncodeToString(append([]byte{1}, ed25519.NewKeyFromSeed(seed)[:32]...))
	id := fmt.Sprintf("%08x", k.verifier.KeyHash())
	signer, err := note.NewSigner("PRIVATE+KEY+" + k.origin() + "+" + id + "+" + secret)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// damages gives every way to drop, repeat, alter and truncate leaves, and to exchange those that are
// not too far from each other.
func damages(leaves [][]byte, far int, damage func(what string, leaves [][]byte)) {
	for i := range leaves {
		damage("dropped", slices.Delete(slices.Clone(leaves), i, i+1))
		damage("repeated", slices.Insert(slices.Clone(leaves), i, leaves[i]))
		damage("truncated", leaves[:i])
		altered := slices.Clone(leaves)
		altered[i] = bytes.Replace(leaves[i], []byte(`"operation":"`), []byte(`"operation":"x`), 1)
		damage("altered", altered)
		for _, at := range []int{0, len(leaves[i]) / 2, len(leaves[i]) - 1} {
			flipped := slices.Clone(leaves)
			flipped[i] = bytes.Clone(leaves[i])
			flipped[i][at] ^= 1
			damage("flipped", flipped)
		}
		cut := slices.Clone(leaves)
		cut[i] = leaves[i][:len(leaves[i])-1]
		damage("cut", cut)
		for j := max(0, i-far); j < i; j++ {
			if !bytes.Equal(leaves[i], leaves[j]) {
				swapped := slices.Clone(leaves)
				swapped[i], swapped[j] = leaves[j], leaves[i]
				damage("exchanged", swapped)
			}
		}
	}
}

func TestEveryDamageOfAnExportOfLinesIsRefused(t *testing.T) {
	k := keyOf(t, vectors)
	text := read(t, vectors+"export.jsonl")
	refused := map[string]int{}
	refuse := func(what string, text []byte, k key) {
		if _, err := verifyLines(text, k); err == nil {
			t.Fatal("accepted:", what)
		}
		refused[what]++
	}
	lines := slices.Collect(bytes.Lines(text))
	split := slices.IndexFunc(lines, func(line []byte) bool { return bytes.HasPrefix(line, []byte(`{"checkpoint"`)) })
	var leaves [][]byte
	for _, line := range lines[1:split] {
		_, leaf, err := parseLine(line)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leaf)
	}
	damages(leaves, len(leaves), func(what string, leaves [][]byte) {
		out := bytes.Clone(lines[0])
		for _, leaf := range leaves {
			out = fmt.Appendf(out, "{\"leaf\":%q}\n", base64.StdEncoding.EncodeToString(leaf))
		}
		refuse(what, append(out, bytes.Join(lines[split:], nil)...), k)
	})
	for i := range lines[split:] {
		cut := append(slices.Clone(lines[:split]), lines[split:split+i]...)
		refuse("without its last checkpoints", bytes.Join(cut, nil), k)
		for j := range i {
			swapped := slices.Clone(lines)
			swapped[split+i], swapped[split+j] = swapped[split+j], swapped[split+i]
			refuse("checkpoints exchanged", bytes.Join(swapped, nil), k)
		}
	}
	// What is whole at the end of a line may leave out checkpoints, never entries.
	for length := 0; length < len(text); length += 23 {
		if log, err := verifyLines(text[:length], k); err == nil {
			t.Fatal("accepted: cut, with", log.tree.size)
		}
		refused["cut off"]++
	}
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	lie := fmt.Appendf(nil, "{\"checkpoint\":%q}\n", base64.StdEncoding.EncodeToString(rewritten(t, k, 20, root)))
	refuse("wrong root", append(bytes.Clone(text), lie...), k)
	refuse("wrong root", append(bytes.Join(lines[:split], nil), lie...), k)
	refuse("wrong key", text, keyOf(t, vectors+"go/"))
	t.Log(refused)
}

// onDisk gives a directory as a map.
func onDisk(t testing.TB, dir string) fstest.MapFS {
	files := fstest.MapFS{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files[name] = &fstest.MapFile{Data: read(t, path.Join(dir, name))}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestEveryDamageOfTilesIsRefused(t *testing.T) {
	refused := map[string]int{}
	for i, set := range sets {
		k := keyOf(t, set)
		whole := onDisk(t, set+"tiles")
		refuse := func(what string, files fs.FS, k key) {
			if _, err := verifyTiles(files, k); err == nil {
				t.Fatal("accepted:", what)
			}
			refused[what]++
		}
		for name, file := range whole {
			with := func(data []byte) fs.FS {
				files := fstest.MapFS{}
				for name, file := range whole {
					files[name] = file
				}
				files[name] = &fstest.MapFile{Data: data}
				if data == nil {
					delete(files, name)
				}
				return files
			}
			refuse("file absent", with(nil), k)
			refuse("file empty", with([]byte{}), k)
			refuse("file longer", with(append(bytes.Clone(file.Data), 0)), k)
			for at := 0; at < len(file.Data); at += 1 + len(file.Data)/64 {
				refuse("file cut", with(file.Data[:at]), k)
				flipped := bytes.Clone(file.Data)
				flipped[at] ^= 1
				refuse("file flipped", with(flipped), k)
			}
			if strings.HasPrefix(name, "tile/entries/001") {
				leaves := bundleOf(t, file.Data)
				damages(leaves, 1, func(what string, leaves [][]byte) { refuse(what, with(toBundle(leaves)), k) })
			}
		}
		refuse("wrong key", whole, keyOf(t, sets[1-i]))
	}
	t.Log(refused)
}

func bundleOf(t testing.TB, data []byte) (leaves [][]byte) {
	for len(data) > 0 {
		length := int(data[0])<<8 | int(data[1])
		leaves = append(leaves, data[2:2+length])
		data = data[2+length:]
	}
	return leaves
}

func toBundle(leaves [][]byte) (data []byte) {
	for _, leaf := range leaves {
		data = append(append(data, byte(len(leaf)>>8), byte(len(leaf))), leaf...)
	}
	return data
}

func TestEveryChangedByteOfACheckpointIsRefused(t *testing.T) {
	k := keyOf(t, vectors)
	signed := read(t, vectors+"checkpoint.note")
	for at := range signed {
		for bit := range 8 {
			changed := bytes.Clone(signed)
			changed[at] ^= 1 << bit
			if _, err := parseCheckpoint(changed, k); err == nil {
				t.Fatal("accepted: byte", at, "bit", bit)
			}
		}
		if _, err := parseCheckpoint(signed[:at], k); err == nil {
			t.Fatal("accepted: cut at", at)
		}
	}
	// A second line of the same key that does not hold.
	lines := slices.Collect(bytes.Lines(signed))
	last := strings.TrimSuffix(string(lines[len(lines)-1]), "\n")
	at := strings.LastIndexByte(last, ' ') + 1
	raw, _ := base64.StdEncoding.DecodeString(last[at:])
	raw[10] ^= 1
	second := last[:at] + base64.StdEncoding.EncodeToString(raw) + "\n"
	if _, err := parseCheckpoint(append(bytes.Clone(signed), second...), k); err == nil {
		t.Fatal("accepted: a second line that does not hold")
	}
	t.Log(len(signed)*9+1, "changed checkpoints were refused")
}

func TestALogThatDoesNotExtendACheckpointIsRefused(t *testing.T) {
	k := keyOf(t, vectors)
	head, err := parseCheckpoint(read(t, vectors+"checkpoint.note"), k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(vectors+"export.jsonl", k, &head); err != nil {
		t.Error(err)
	}
	longer, forked := head, head
	longer.size++
	forked.root[0] ^= 1
	for _, other := range []checkpoint{longer, forked} {
		if _, err := verify(vectors+"export.jsonl", k, &other); err == nil {
			t.Error("accepted", other)
		}
	}
}

func TestEvidenceOfBothSidesProvesWhatItsNameSays(t *testing.T) {
	checked := 0
	for _, set := range sets {
		names, err := fs.Glob(os.DirFS(set+"evidence"), "*_*.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			file := set + "evidence/" + name
			found, proves, err := verifyEvidence(read(t, file))
			if err != nil || !strings.HasPrefix(name, proves) || found.key.vaultID != keyOf(t, set).vaultID {
				t.Error(file, proves, err)
			}
			named := found.id() + " " + name + "\n"
			if set == vectors && !strings.Contains(string(read(t, set+"evidence/ids.txt")), named) {
				t.Error("another id:", named)
			}
			if said, err := verify(file, keyOf(t, set), nil); err != nil || !strings.HasSuffix(said, proves) {
				t.Error(file, said, err)
			}
			checked++
		}
	}
	if _, err := verify(vectors+"evidence/two_logs.json", keyOf(t, vectors+"go/"), nil); err == nil {
		t.Error("accepted: evidence against another vault")
	}
	if checked != 5+3 {
		t.Error("only", checked)
	}
}

func TestWhatIsNoEvidenceIsRefused(t *testing.T) {
	value, err := canonical(read(t, vectors+"evidence/refused.json"), 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	entries := value.([]any)
	for _, entry := range entries {
		why, text := entry.(map[string]any)["why"].(string), entry.(map[string]any)["file"].(string)
		_, _, err := verifyEvidence([]byte(text))
		if err == nil || errors.Is(err, errUnknownFormat) != (why == "unknown_format") {
			t.Errorf("%s: %v: %s", why, err, text)
		}
	}
	text := read(t, vectors+"evidence/two_logs.json")
	for at := range len(text) - 1 {
		if _, _, err := verifyEvidence(text[:at]); err == nil {
			t.Fatal("accepted: cut at", at)
		}
	}
	t.Log(len(entries), "files were refused")
}
