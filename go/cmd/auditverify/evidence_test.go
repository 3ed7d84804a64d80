package main

import (
	"errors"
	"strings"
	"testing"
)

// padded gives evidence of exactly this length: a witness with a long name has signed one of its notes.
func padded(t testing.TB, length int) []byte {
	t.Helper()
	text := strings.TrimSuffix(string(read(t, vectors+"evidence/two_logs.json")), "\n")
	before, after, found := strings.Cut(text, `\n"}`)
	if !found {
		t.Fatal("no note ends where one was looked for")
	}
	signed := func(name string) string { return before + `\n— ` + name + ` AAAAAAAA\n"}` + after }
	return []byte(signed(strings.Repeat("w", length-len(signed("")))))
}

func TestEvidenceIsAsLongAsTheFormatAllowsAndNoLonger(t *testing.T) {
	for _, end := range []string{"", "\n"} {
		if _, _, err := verifyEvidence(append(padded(t, longestEvidence), end...)); err != nil {
			t.Error(err)
		}
		if _, _, err := verifyEvidence(append(padded(t, longestEvidence+1), end...)); !errors.Is(err, errTooLong) {
			t.Error("accepted, or refused for another reason:", err)
		}
	}
}
