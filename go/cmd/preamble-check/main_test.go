package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"testing"
)

type exchange struct {
	Name, Nonce, Exporter, Claims, Frame string
	SpkiHash                             string `json:"spki_hash"`
	Role                                 int
	Size                                 int
}

func load(t *testing.T, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(must(os.ReadFile("../../../vectors/preamble/"+name)), into); err != nil {
		t.Fatal(err)
	}
}

func unhex(text string) []byte { return must(hex.DecodeString(text)) }

// refusal runs a check and returns what it was refused for, or nothing.
func refusal(run func()) (code any) {
	defer func() { code = recover() }()
	run()
	return nil
}

func TestEvidenceOfTheVectorsHoldsForItsConnectionAndForNoOther(t *testing.T) {
	var file struct {
		Label     string `json:"exporter_label"`
		Exchanges []exchange
	}
	load(t, "exchanges.json", &file)
	if file.Label != label {
		t.Fatalf("label %q", file.Label)
	}
	vaults, batched := 0, 0
	for _, one := range file.Exchanges {
		if one.Role != 1 {
			continue
		}
		vaults++
		if one.Size > 1 {
			batched++
		}
		payload := readFrame(bytes.NewReader(unhex(one.Frame)), 2)
		nonce, exporter, spki := unhex(one.Nonce), unhex(one.Exporter), unhex(one.SpkiHash)
		try := func(payload, nonce, exporter, spki []byte) any {
			return refusal(func() { check(payload, nonce, exporter, spki) })
		}
		if code := try(payload, nonce, exporter, spki); code != nil {
			t.Errorf("%s: %v", one.Name, code)
		}
		other := bytes.Repeat([]byte{7}, 32)
		if code := try(payload, other, exporter, spki); code != "binding" {
			t.Errorf("%s, another nonce: %v", one.Name, code)
		}
		if code := try(payload, nonce, other, spki); code != "binding" {
			t.Errorf("%s, another exporter: %v", one.Name, code)
		}
		if code := try(payload, nonce, exporter, other); code != "claims" {
			t.Errorf("%s, another key: %v", one.Name, code)
		}
		at := 32 + 4 + len(one.Claims) + 4 + 48 + 320
		quoted := bytes.Clone(payload)
		quoted[at] ^= 1
		if code := try(quoted, nonce, exporter, spki); code != "report_data" {
			t.Errorf("%s, another quote: %v", one.Name, code)
		}
		for length := range payload {
			if code := try(payload[:length], nonce, exporter, spki); code == nil {
				t.Errorf("%s holds when cut at %d", one.Name, length)
			}
		}
		// Behind the collateral, which nothing here looks at, every byte counts.
		for at := at + 64 + 4 + 2; at < len(payload); at++ {
			altered := bytes.Clone(payload)
			altered[at] ^= 1
			if code := try(altered, nonce, exporter, spki); code == nil {
				t.Errorf("%s holds with byte %d changed", one.Name, at)
			}
		}
	}
	if vaults < 6 || batched < 5 {
		t.Fatalf("%d vaults, %d of them in batches", vaults, batched)
	}
}

func TestFramesAreWrittenAndReadAsInTheVectors(t *testing.T) {
	var file struct {
		Frames []struct {
			Name, Frame string
			Kind        byte
		}
	}
	load(t, "frames.json", &file)
	if len(file.Frames) < 17 {
		t.Fatalf("%d frames", len(file.Frames))
	}
	for _, one := range file.Frames {
		whole := unhex(one.Frame)
		payload := readFrame(bytes.NewReader(whole), one.Kind)
		if !bytes.Equal(frame(one.Kind, payload), whole) {
			t.Errorf("%s is written differently", one.Name)
		}
		if code := refusal(func() { readFrame(bytes.NewReader(whole), one.Kind+1) }); code == nil {
			t.Errorf("%s is read as another kind", one.Name)
		}
	}
}
