package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

// endless is a file that says it is short and never ends; it counts what is read of it.
type endless struct {
	fs.File
	read *int64
}

func (e endless) Read(into []byte) (int, error) {
	*e.read += int64(len(into))
	clear(into)
	return len(into), nil
}

// oneEndless is a directory in which one file is endless.
type oneEndless struct {
	fstest.MapFS
	name string
	read *int64
}

func (o oneEndless) Open(name string) (fs.File, error) {
	file, err := o.MapFS.Open(name)
	if name == o.name && err == nil {
		file = endless{file, o.read}
	}
	return file, err
}

func TestATileIsReadNoFurtherThanItMayBeLong(t *testing.T) {
	k, whole := keyOf(t, vectors), onDisk(t, vectors+"tiles")
	for name := range whole {
		var count int64
		_, err := verifyTiles(oneEndless{whole, name, &count}, k)
		if err == nil || !strings.Contains(err.Error(), "longer than it may be") {
			t.Error("accepted, or refused for another reason:", name, err)
		}
		// What is read at once may be twice as long.
		if most := int64(2 * tileWidth * (lengthBytes + longestLeaf)); count > most {
			t.Error(name, "was read up to", count)
		}
	}
}

func TestWhatIsNoFileIsToldAndIsNotAbsent(t *testing.T) {
	k := keyOf(t, vectors)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(vectors+"tiles")); err != nil {
		t.Fatal(err)
	}
	// Where a partial tile cannot be read, a full one that is there does not take its place.
	for _, full := range []string{"tile/0/001", "tile/1/000", "tile/entries/001"} {
		if err := os.WriteFile(filepath.Join(dir, full), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, file := range onDisk(t, vectors+"tiles") {
		place := filepath.Join(dir, name)
		for what, target := range map[string]string{"not a regular file": "/dev/zero", "too many levels": place} {
			if err := os.Remove(place); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(target, place); err != nil {
				t.Fatal(err)
			}
			_, err := verifyTiles(os.DirFS(dir), k)
			if err == nil || !strings.Contains(err.Error(), what) {
				t.Error("accepted, or refused for another reason:", name, what, err)
			}
		}
		if err := os.Remove(place); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(place, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := verifyTiles(os.DirFS(dir), k); err != nil {
		t.Error(err)
	}
}
