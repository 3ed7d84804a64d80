package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

const (
	entryFormat = "enclave-vaults/log-entry/v1"
	longestLeaf = 65535
	mostValues  = 1024
)

var (
	hash = regexp.MustCompile(`^[0-9a-f]{64}$`)
	wide = regexp.MustCompile(`^[0-9a-f]{96}$`)
)

// canonical parses RFC 8785 text of strings, arrays and objects, and refuses every other spelling:
// what is written again must be the same bytes. It has at most this many values.
func canonical(text []byte, most int) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	var again strings.Builder
	values := 0
	if err := write(&again, value, &values); err != nil {
		return nil, err
	}
	if values > most {
		return nil, errors.New("too many values")
	}
	if again.String() != string(text) {
		return nil, errors.New("not the canonical spelling")
	}
	return value, nil
}

func write(out *strings.Builder, value any, values *int) error {
	*values++
	switch value := value.(type) {
	case string:
		writeString(out, value)
	case []any:
		out.WriteByte('[')
		for i, item := range value {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := write(out, item, values); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	case map[string]any:
		out.WriteByte('{')
		for i, name := range sortedNames(value) {
			if i > 0 {
				out.WriteByte(',')
			}
			writeString(out, name)
			out.WriteByte(':')
			if err := write(out, value[name], values); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	default:
		return errors.New("neither string nor array nor object")
	}
	return nil
}

// sortedNames: by UTF-16 code units.
func sortedNames(object map[string]any) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
	})
	return names
}

func writeString(out *strings.Builder, text string) {
	short := map[rune]string{'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
	out.WriteByte('"')
	for _, char := range text {
		escaped, known := short[char]
		switch {
		case known:
			out.WriteString(escaped)
		case char < 0x20:
			fmt.Fprintf(out, `\u%04x`, char)
		default:
			out.WriteRune(char)
		}
	}
	out.WriteByte('"')
}

// members of an object that are taken out one by one.
type members map[string]any

func (m members) take(name string) (any, error) {
	value, found := m[name]
	delete(m, name)
	if !found {
		return nil, fmt.Errorf("no member %q", name)
	}
	return value, nil
}

func (m members) text(name string, holds func(string) bool) error {
	value, err := m.take(name)
	if err != nil {
		return err
	}
	if text, ok := value.(string); !ok || !holds(text) {
		return fmt.Errorf("member %q is malformed", name)
	}
	return nil
}

func (m members) list(name string, holds func(any) bool) error {
	value, err := m.take(name)
	if err != nil {
		return err
	}
	list, ok := value.([]any)
	if !ok || !all(list, holds) {
		return fmt.Errorf("member %q is malformed", name)
	}
	return nil
}

func all(list []any, holds func(any) bool) bool {
	for _, item := range list {
		if !holds(item) {
			return false
		}
	}
	return true
}

func anyText(string) bool { return true }

func isHash(text string) bool { return hash.MatchString(text) }

// isWide holds for the 48 bytes of a measurement of a trust domain.
func isWide(text string) bool { return wide.MatchString(text) }

func absentOr(holds func(string) bool) func(string) bool {
	return func(text string) bool { return text == "" || holds(text) }
}

func number(bits int) func(string) bool {
	return absentOr(func(text string) bool {
		value, err := strconv.ParseUint(text, 10, bits)
		return err == nil && strconv.FormatUint(value, 10) == text
	})
}

func is(words ...string) func(string) bool {
	return func(text string) bool { return slices.Contains(words, text) }
}

func isPrincipal(value any) bool {
	object, ok := value.(map[string]any)
	if !ok {
		return false
	}
	m := members(object)
	kind, _ := m["kind"].(string)
	var err error
	switch kind {
	case "oidc":
		err = errors.Join(m.text("issuer", anyText), m.text("subject", anyText))
	case "enclave":
		err = errors.Join(m.text("measurement", isHash), m.text("platform", isHash))
	case "certificate":
		err = m.text("spki", isHash)
	case "td":
		err = errors.Join(m.text("mrtd", isWide), m.text("platform", isHash))
		for _, name := range []string{"rtmr0", "rtmr1", "rtmr2", "rtmr3"} {
			err = errors.Join(err, m.text(name, isWide))
		}
	default:
		return false
	}
	return err == nil && len(m) == 1
}

// checkEntry says why a leaf is not an entry.
func checkEntry(leaf []byte) error {
	if len(leaf) > longestLeaf {
		return errors.New("the leaf is too long")
	}
	value, err := canonical(leaf, mostValues)
	if err != nil {
		return err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return errors.New("not an object")
	}
	m := members(object)
	err = errors.Join(
		m.text("format", is(entryFormat)),
		m.text("time_lo", number(64)), m.text("time_hi", number(64)),
		m.list("principals", isPrincipal),
		m.text("operation", anyText), m.text("handle", anyText),
		m.text("version", number(32)),
		m.text("lineage", absentOr(isHash)), m.text("policy_hash", absentOr(isHash)),
		m.text("request_hash", absentOr(isHash)), m.text("change_hash", absentOr(isHash)),
		m.list("approvals", func(item any) bool {
			text, ok := item.(string)
			return ok && isHash(text)
		}),
		m.text("allowed", is("true", "false")),
		m.text("reason", anyText), m.text("outcome", anyText),
	)
	if err == nil && len(m) > 0 {
		err = errors.New("a member that entries do not have")
	}
	return err
}
