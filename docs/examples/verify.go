// Checks a log of ours with the Go project's own packages for such logs, and nothing of ours:
//
//	go run verify.go VKEY FOLDER [PROOF ENTRY]
//
// FOLDER holds a checkpoint and tiles (an unpacked export, or files fetched from /audit/…). The
// program opens the signed note, builds the tree from the entries, holds every tile against it,
// and checks a .tlog-proof. The packages are golang.org/x/mod/sumdb/note and …/tlog.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	vkey, folder := os.Args[1], os.Args[2]
	verifiers := note.VerifierList(must(note.NewVerifier(vkey)))
	opened := must(note.Open(read(folder, "checkpoint"), verifiers))
	size, root := checkpoint(opened.Text)
	fmt.Printf("signed by %s, and %d lines of keys unknown here\n", opened.Sigs[0].Name, len(opened.UnverifiedSigs))

	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			found[i] = stored[index]
		}
		return found, nil
	})
	for n, entry := range entries(folder, size) {
		stored = append(stored, must(tlog.StoredHashes(int64(n), entry, reader))...)
	}
	if must(tlog.TreeHash(size, reader)) != root {
		panic("the entries do not give the signed root")
	}
	fmt.Printf("%d entries give the signed root %v\n", size, root)
	fmt.Printf("%d tiles are those of this tree\n", tiles(folder, size, stored))

	if len(os.Args) > 4 {
		fmt.Printf("the entry stands at %d\n", proof(os.Args[3], os.Args[4], verifiers))
	}
}

// checkpoint reads the three lines of a checkpoint.
func checkpoint(text string) (int64, tlog.Hash) {
	lines := strings.Split(text, "\n")
	return must(strconv.ParseInt(lines[1], 10, 64)), must(tlog.ParseHash(lines[2]))
}

// entries reads the bundles of entries: each entry with its length before it.
func entries(folder string, size int64) (all [][]byte) {
	for start := int64(0); start < size; start += 256 {
		data := read(folder, path("entries", start/256, size-start))
		for len(data) > 0 {
			length := int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:2+length])
			data = data[2+length:]
		}
	}
	return all
}

// tiles holds every tile of hashes against the tree.
func tiles(folder string, size int64, stored []tlog.Hash) (count int) {
	for level := 0; size>>(8*level) > 0; level++ {
		hashes := size >> (8 * level)
		for start := int64(0); start < hashes; start += 256 {
			var ours []byte
			for i := start; i < start+256 && i < hashes; i++ {
				hash := stored[tlog.StoredHashIndex(8*level, i)]
				ours = append(ours, hash[:]...)
			}
			name := path(strconv.Itoa(level), start/256, hashes-start)
			if !bytes.Equal(read(folder, name), ours) {
				panic(name + " is not the tile of this tree")
			}
			count++
		}
	}
	return count
}

// proof checks a .tlog-proof of an entry, and gives the entry's index.
func proof(file, entry string, verifiers note.Verifiers) int64 {
	head, signed, _ := strings.Cut(string(read("", file)), "\n\n")
	lines := strings.Split(head, "\n")
	index := must(strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64))
	var hashes tlog.RecordProof
	for _, line := range lines[2:] {
		var hash tlog.Hash
		copy(hash[:], must(base64.StdEncoding.DecodeString(line)))
		hashes = append(hashes, hash)
	}
	size, root := checkpoint(must(note.Open([]byte(signed), verifiers)).Text)
	check(tlog.CheckRecord(hashes, size, root, index, tlog.RecordHash(read("", entry))))
	return index
}

// path is that of C2SP tlog-tiles: 1234067 is x001/x234/067, with .p/WIDTH when it is partial.
func path(level string, index, left int64) string {
	name := fmt.Sprintf("%03d", index%1000)
	for index /= 1000; index > 0; index /= 1000 {
		name = fmt.Sprintf("x%03d/%s", index%1000, name)
	}
	if left < 256 {
		name += fmt.Sprintf(".p/%d", left)
	}
	return "tile/" + level + "/" + name
}

func read(folder, name string) []byte { return must(os.ReadFile(filepath.Join(folder, name))) }

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
