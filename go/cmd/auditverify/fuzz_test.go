package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/mod/sumdb/tlog"
)

// seeds adds the files that match, which every run of the tests reads; `go test -fuzz=NAME` goes on from there.
func seeds(f *testing.F, patterns ...string) {
	f.Helper()
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			f.Fatal("no seeds: ", pattern, err)
		}
		for _, name := range names {
			f.Add(read(f, name))
		}
	}
}

const corpora = "../../../fuzz/corpus/"

func FuzzCanonicalJSONHasOneSpelling(f *testing.F) {
	seeds(f, corpora+"json/seed-*", corpora+"log_entry/seed-*", vectors+"leaf*.json")
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := canonical(text, 1<<10)
		if err != nil {
			return
		}
		var again strings.Builder
		values := 0
		if err := write(&again, value, &values); err != nil || again.String() != string(text) {
			t.Errorf("%q was taken, and is written %q: %v", text, again.String(), err)
		}
		if spaced, err := canonical(append([]byte(" "), text...), 1<<10); err == nil {
			t.Errorf("a second spelling was taken: %v", spaced)
		}
	})
}

func FuzzAnEntryIsCanonicalAndOfItsFormat(f *testing.F) {
	seeds(f, corpora+"log_entry/seed-*", vectors+"leaf*.json")
	f.Fuzz(func(t *testing.T, leaf []byte) {
		if checkEntry(leaf) != nil {
			return
		}
		if _, err := canonical(leaf, 1<<10); err != nil || len(leaf) > 1<<16-1 {
			t.Errorf("%q was taken: %v", leaf, err)
		}
	})
}

// What nobody signed is no checkpoint: only the notes of the vectors are.
func FuzzACheckpointIsOneThatTheKeySigned(f *testing.F) {
	seeds(f, corpora+"checkpoint/seed-*", vectors+"checkpoint.note", vectors+"go/cosigned.note")
	k := keyOf(f, vectors)
	genuine, err := parseCheckpoint(read(f, vectors+"checkpoint.note"), k)
	if err != nil {
		f.Fatal(err)
	}
	export, err := verifyLines(read(f, vectors+"export.jsonl"), k)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, signed []byte) {
		head, err := parseCheckpoint(signed, k)
		if err == nil && head != genuine && export.tree.holds(head) != nil {
			t.Errorf("%q was taken for %v", signed, head)
		}
	})
}

// A changed export is refused, or is the one that was exported, up to one of its checkpoints.
func FuzzAnExportIsWhatWasExported(f *testing.F) {
	seeds(f, corpora+"export/seed-*", vectors+"export.jsonl", vectors+"go/export.jsonl")
	k := keyOf(f, vectors)
	whole, err := verifyLines(read(f, vectors+"export.jsonl"), k)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		log, err := verifyLines(text, k)
		if err == nil && whole.tree.holds(log.head) != nil {
			t.Errorf("an export that nobody signed holds: %v", log.head)
		}
	})
}

func FuzzEvidenceProvesOneThing(f *testing.F) {
	seeds(f, vectors+"evidence/*", corpora+"memory/seed-*")
	f.Fuzz(func(t *testing.T, text []byte) {
		found, proves, err := verifyEvidence(text)
		if err != nil {
			return
		}
		again, same, err := verifyEvidence(text)
		if err != nil || proves == "" || same != proves || again.id() != found.id() {
			t.Errorf("%q proves %q and %q: %v", text, proves, same, err)
		}
	})
}

// Whatever stands in one of the files of the tiles: they hold no other log.
func FuzzTilesAreThoseOfTheCheckpoint(f *testing.F) {
	k := keyOf(f, vectors)
	genuine := fstest.MapFS{}
	names := []string{}
	for _, name := range []string{
		"checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1",
		"tile/entries/000", "tile/entries/001.p/44",
	} {
		genuine[name] = &fstest.MapFile{Data: read(f, vectors+"tiles/"+name)}
		names = append(names, name)
		f.Add(len(names)-1, 40, []byte{1})
		f.Add(len(names)-1, 0, genuine[name].Data[:40])
	}
	whole, err := verifyTiles(genuine, k)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, which, at int, change []byte) {
		name := names[uint(which)%uint(len(names))]
		data := bytes.Clone(genuine[name].Data)
		for i, b := range change {
			data[(uint(at)+uint(i))%uint(len(data))] ^= b
		}
		files := fstest.MapFS{}
		for name, file := range genuine {
			files[name] = file
		}
		files[name] = &fstest.MapFile{Data: data}
		log, err := verifyTiles(files, k)
		if err == nil && (log.head != whole.head || !bytes.Equal(data, genuine[name].Data) && name != "checkpoint") {
			t.Errorf("%s was changed, and the tiles hold for %v", name, log.head)
		}
	})
}

// No proof leads to another tree: only that of the vectors with these roots is taken.
func FuzzProofsAreChecked(f *testing.F) {
	seeds(f, vectors+"proofs.json", vectors+"go/proofs.json")
	f.Add([]byte(`{"consistency":[],"inclusion":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		count, err := verifyProofs(text)
		if err == nil && count > len(text)/len(tlog.Hash{}) {
			t.Errorf("%d proofs in %d bytes", count, len(text))
		}
	})
}
