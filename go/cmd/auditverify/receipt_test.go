package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheReceiptOfTheVectorsHoldsAndNoChangedOneDoes(t *testing.T) {
	k, text := keyOf(t, vectors), read(t, vectors+"receipt.json")
	said, err := verify(vectors+"receipt.json", k, nil)
	if err != nil || !strings.HasPrefix(said, "entry 7 of 12@") {
		t.Fatal(said, err)
	}
	for at := range len(text) - 1 {
		changed := bytes.Clone(text)
		changed[at] ^= 1
		if _, _, err := verifyReceipt(changed, k); err == nil {
			t.Fatal("accepted: byte", at)
		}
	}
	if _, _, err := verifyReceipt(text, keyOf(t, vectors+"go/")); err == nil {
		t.Error("accepted: of another vault")
	}
}

func TestTheSignatureOfANoteCoversItsExtensionLines(t *testing.T) {
	k, signed := keyOf(t, vectors), read(t, vectors+"extended.note")
	head, err := parseCheckpoint(signed, k)
	plain, err2 := parseCheckpoint(read(t, vectors+"checkpoint.note"), k)
	if err != nil || err2 != nil || head != plain {
		t.Fatal(head, plain, err, err2)
	}
	for _, line := range []string{"an extension\n", "and another\n"} {
		if !bytes.Contains(signed, []byte(line)) {
			t.Error("no line", line)
		}
		if _, err := parseCheckpoint(bytes.Replace(signed, []byte(line), nil, 1), k); err == nil {
			t.Error("accepted without", line)
		}
	}
}

func TestACheckpointWithoutItsLogIsHeldToTheEarlierOne(t *testing.T) {
	k := keyOf(t, vectors)
	name := vectors + "checkpoint.note"
	head, err := parseCheckpoint(read(t, name), k)
	if err != nil {
		t.Fatal(err)
	}
	longer, shorter, forked := head, head, head
	longer.size++
	shorter.size--
	forked.root[0] ^= 1
	for _, one := range []struct {
		earlier checkpoint
		code    int
	}{{head, 0}, {longer, 6}, {forked, 6}, {shorter, 2}} {
		if _, err := verify(name, k, &one.earlier); codeOf(err) != one.code {
			t.Error(describe(one.earlier), err)
		}
	}
}

func TestWhatCannotBeReadIsNotCalledFalse(t *testing.T) {
	k, absent := keyOf(t, vectors), filepath.Join(t.TempDir(), "absent")
	if _, err := verify(absent, k, nil); codeOf(err) != 2 {
		t.Error(err)
	}
	if _, err := verify(t.TempDir(), k, nil); codeOf(err) != 2 {
		t.Error("tiles without a checkpoint:", err)
	}
	vkey := vectors + "identity.vkey"
	for _, wrong := range [][3]string{{absent, "", ""}, {vkey, "", absent}, {vectors + "leaf.json", "", ""}} {
		if _, _, err := prepare(wrong[0], wrong[1], wrong[2]); codeOf(err) != 2 {
			t.Error(wrong, err)
		}
	}
	if _, _, err := prepare(vkey, "another", ""); codeOf(err) != 7 {
		t.Error(err)
	}
	// A bundle that is absent does not hold; one that cannot be read says nothing.
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(vectors+"tiles")); err != nil {
		t.Fatal(err)
	}
	bundle := filepath.Join(dir, "tile/entries/000")
	if err := os.Remove(bundle); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(dir, k, nil); codeOf(err) != 7 {
		t.Error(err)
	}
	if err := os.Symlink(bundle, bundle); err != nil {
		t.Fatal(err)
	}
	if _, err := verify(dir, k, nil); codeOf(err) != 2 {
		t.Error(err)
	}
	if worse(worse(2, 7), 0) != 7 || worse(7, 6) != 6 || worse(0, 2) != 2 {
		t.Error("the exit code of several")
	}
}

func TestASizeIsBelow2ToThe63(t *testing.T) {
	k := keyOf(t, vectors)
	root := strings.Split(string(read(t, vectors+"checkpoint.note")), "\n")[2]
	if _, err := parseCheckpoint(rewritten(t, k, 1<<63-1, root), k); err != nil {
		t.Error(err)
	}
	text := k.origin() + "\n9223372036854775808\n" + root + "\n"
	if _, err := parseCheckpoint(signedText(t, k, text), k); err == nil {
		t.Error("accepted")
	}
}
