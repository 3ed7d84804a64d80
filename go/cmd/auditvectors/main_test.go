package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTheVectorsAreThoseOfTheLibrary(t *testing.T) {
	for name, data := range vectors() {
		stored, err := os.ReadFile("../../../vectors/audit/go/" + name)
		if err != nil || !bytes.Equal(stored, data) {
			t.Errorf("%s is another file: %v", name, err)
		}
	}
}
