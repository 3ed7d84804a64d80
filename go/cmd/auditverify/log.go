package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	exportFirst = `{"format":"enclave-vaults/log-export/v1"}` + "\n"
	tileWidth   = 256
	// Bytes in which the length of an entry stands before it in a bundle.
	lengthBytes = 2
)

// tree keeps the hashes of all complete subtrees of the leaves so far.
type tree struct {
	stored []tlog.Hash
	size   int64
}

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index < 0 || index >= int64(len(t.stored)) {
			return nil, errors.New("no such hash")
		}
		found[i] = t.stored[index]
	}
	return found, nil
}

// add takes the next leaf, which must be an entry.
func (t *tree) add(leaf []byte) error {
	if err := checkEntry(leaf); err != nil {
		return fmt.Errorf("entry %d: %w", t.size, err)
	}
	hashes, err := tlog.StoredHashes(t.size, leaf, t)
	if err != nil {
		return err
	}
	t.stored = append(t.stored, hashes...)
	t.size++
	return nil
}

// rootAt is the root over the first leaves.
func (t *tree) rootAt(size int64) (tlog.Hash, error) {
	if size > t.size {
		return tlog.Hash{}, fmt.Errorf("%d entries, but only %d are there", size, t.size)
	}
	return tlog.TreeHash(size, t)
}

func (t *tree) holds(head checkpoint) error {
	root, err := t.rootAt(head.size)
	if err == nil && root != head.root {
		err = fmt.Errorf("the root over %d entries is not that of the checkpoint", head.size)
	}
	return err
}

// verified is a log that holds.
type verified struct {
	tree tree
	head checkpoint
}

// verifyLines verifies an export of lines.
func verifyLines(text []byte, k key) (log verified, err error) {
	rest, found := bytes.CutPrefix(text, []byte(exportFirst))
	if !found {
		return log, errors.New("the first line is not that of a log export")
	}
	checkpoints := 0
	for line := range bytes.Lines(rest) {
		name, value, err := parseLine(line)
		if err != nil {
			return log, err
		}
		if name == "leaf" {
			if checkpoints > 0 {
				return log, errors.New("a leaf behind a checkpoint")
			}
			if err := log.tree.add(value); err != nil {
				return log, err
			}
			continue
		}
		head, err := parseCheckpoint(value, k)
		if err != nil {
			return log, fmt.Errorf("checkpoint %d: %w", checkpoints, err)
		}
		if head.size < log.head.size {
			return log, errors.New("checkpoints are out of order")
		}
		if err := log.tree.holds(head); err != nil {
			return log, err
		}
		log.head = head
		checkpoints++
	}
	if checkpoints == 0 {
		return log, errors.New("there is no checkpoint")
	}
	if log.head.size != log.tree.size {
		return log, errors.New("entries that no checkpoint covers")
	}
	return log, nil
}

func parseLine(line []byte) (name string, value []byte, err error) {
	body, whole := bytes.CutSuffix(line, []byte("\n"))
	if !whole {
		return "", nil, errors.New("the last line is cut")
	}
	parsed, err := canonical(body, 2)
	if err != nil {
		return "", nil, err
	}
	object, ok := parsed.(map[string]any)
	if !ok || len(object) != 1 {
		return "", nil, errors.New("a malformed line")
	}
	for _, name := range []string{"leaf", "checkpoint"} {
		if text, ok := object[name].(string); ok {
			value, err := base64.StdEncoding.Strict().DecodeString(text)
			if err == nil && base64.StdEncoding.EncodeToString(value) != text {
				err = errors.New("another spelling of base64")
			}
			return name, value, err
		}
	}
	return "", nil, errors.New("a line that is neither a leaf nor a checkpoint")
}

// verifyTiles verifies an export in the layout of tlog-tiles: all entries and all tiles.
func verifyTiles(files fs.FS, k key) (log verified, err error) {
	signed, err := readRegular(files, "checkpoint", longestNote)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", errUnreadable, err)
	}
	if err != nil {
		return log, err
	}
	if log.head, err = parseCheckpoint(signed, k); err != nil {
		return log, err
	}
	for start := int64(0); start < log.head.size; start += tileWidth {
		width := min(tileWidth, log.head.size-start)
		if err := log.addBundle(files, start/tileWidth, width); err != nil {
			return log, err
		}
	}
	if err := log.tree.holds(log.head); err != nil {
		return log, err
	}
	for _, tile := range tlog.NewTiles(8, 0, log.head.size) {
		if err := log.checkTile(files, tile); err != nil {
			return log, err
		}
	}
	return log, nil
}

// addBundle reads entries from a bundle; where a partial one is gone, from the full one.
func (log *verified) addBundle(files fs.FS, index, width int64) error {
	name := tilePath(tlog.Tile{H: 8, L: -1, N: index, W: int(width)})
	bundle, found, err := readTile(files, name, width, lengthBytes+longestLeaf)
	if err != nil {
		return err
	}
	var leaves [][]byte
	for int64(len(leaves)) < found {
		if len(bundle) < lengthBytes {
			return fmt.Errorf("%s is cut", name)
		}
		end := lengthBytes + int(binary.BigEndian.Uint16(bundle))
		if len(bundle) < end {
			return fmt.Errorf("%s is cut", name)
		}
		leaves = append(leaves, bundle[lengthBytes:end])
		bundle = bundle[end:]
	}
	if len(bundle) > 0 {
		return fmt.Errorf("%s does not hold as many entries as it says", name)
	}
	for _, leaf := range leaves[:width] {
		if err := log.tree.add(leaf); err != nil {
			return err
		}
	}
	return nil
}

// checkTile holds a tile to the hashes of the entries.
func (log *verified) checkTile(files fs.FS, tile tlog.Tile) error {
	name := tilePath(tile)
	data, found, err := readTile(files, name, int64(tile.W), tlog.HashSize)
	if err != nil {
		return err
	}
	expected, err := tlog.ReadTileData(tile, &log.tree)
	if err != nil {
		return err
	}
	if int64(len(data)) != found*tlog.HashSize || !bytes.HasPrefix(data, expected) {
		return fmt.Errorf("%s does not hold the hashes of the entries", name)
	}
	return nil
}

// readTile gives a file of the layout, and how many hashes or entries are in it, each of this length at most.
func readTile(files fs.FS, name string, width, each int64) ([]byte, int64, error) {
	data, err := readRegular(files, name, width*each)
	if errors.Is(err, fs.ErrNotExist) && width < tileWidth {
		width = tileWidth
		data, err = readRegular(files, strings.TrimSuffix(path.Dir(name), ".p"), width*each)
	}
	return data, width, err
}

// readRegular reads a file that may be so long, and one byte more to know, whatever lies in its place. Opening a
// pipe would wait for somebody who writes. Only what is not there is absent.
func readRegular(files fs.FS, name string, most int64) ([]byte, error) {
	info, err := fs.Stat(files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	var data []byte
	if err == nil {
		data, err = readUpTo(files, name, most+1)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errUnreadable, err)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("%s is longer than it may be", name)
	}
	return data, nil
}

func readUpTo(files fs.FS, name string, most int64) ([]byte, error) {
	file, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, most))
}

// tilePath: the paths of C2SP leave out the height and call bundles entries.
func tilePath(tile tlog.Tile) string {
	name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	return strings.Replace(name, "tile/data/", "tile/entries/", 1)
}
