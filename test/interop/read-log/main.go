// Reads a log as a stranger would who has Go's packages and none of our code: opens its checkpoint, reads its tiles over
// HTTP, proves every entry to be in it and an older checkpoint to be its beginning. Says so in one line of JSON, or why
// not with exit code 1.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// tileHeight is that of C2SP tiles, which leave it out of their paths.
const tileHeight = 8

type head struct {
	size int64
	root tlog.Hash
}

func main() {
	log.SetFlags(0)
	prefix := flag.String("log", "", "prefix below which the log is served")
	key := flag.String("key", "", "verifier key of the log")
	older := flag.String("older", "", "file with an older checkpoint")
	witness := flag.String("witness", "", "verifier key of a witness that must have cosigned")
	flag.Parse()
	result, err := check(*prefix, *key, *older, *witness)
	if err != nil {
		log.Fatal(err)
	}
	json.NewEncoder(os.Stdout).Encode(result)
}

func check(prefix, key, older, witness string) (map[string]int64, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return nil, err
	}
	signed, err := get(prefix + "/checkpoint")
	if err != nil {
		return nil, err
	}
	now, err := open(signed, verifier, witness)
	if err != nil {
		return nil, err
	}
	tiles := &tileReader{prefix: prefix, known: map[string][]byte{}}
	hashes := tlog.TileHashReader(tlog.Tree{N: now.size, Hash: now.root}, tiles)
	if err := checkEntries(now, hashes, prefix); err != nil {
		return nil, err
	}
	result := map[string]int64{"size": now.size, "older": 0}
	if older == "" {
		return result, nil
	}
	before, err := os.ReadFile(older)
	if err != nil {
		return nil, err
	}
	then, err := open(before, verifier, "")
	if err != nil {
		return nil, err
	}
	proof, err := tlog.ProveTree(now.size, then.size, hashes)
	if err != nil {
		return nil, err
	}
	if err := tlog.CheckTree(proof, now.size, now.root, then.size, then.root); err != nil {
		return nil, fmt.Errorf("consistency with size %d: %v", then.size, err)
	}
	result["older"] = then.size
	return result, nil
}

// open checks the signatures of a checkpoint and reads its three lines.
func open(signed []byte, verifier note.Verifier, witness string) (head, error) {
	known := []note.Verifier{verifier}
	if witness != "" {
		cosigner, err := parseCosigner(witness)
		if err != nil {
			return head{}, err
		}
		known = append(known, cosigner)
	}
	opened, err := note.Open(signed, note.VerifierList(known...))
	if err != nil {
		return head{}, err
	}
	if len(opened.Sigs) != len(known) {
		return head{}, fmt.Errorf("%d of %d expected signatures", len(opened.Sigs), len(known))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return head{}, fmt.Errorf("not a checkpoint of %s: %q", verifier.Name(), opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return head{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return head{size: size, root: root}, err
}

// checkEntries proves every entry of every bundle to be the leaf of its index.
func checkEntries(of head, hashes tlog.HashReader, prefix string) error {
	for first := int64(0); first < of.size; first += 1 << tileHeight {
		width := of.size - first
		if width > 1<<tileHeight {
			width = 1 << tileHeight
		}
		tile := tlog.Tile{H: tileHeight, L: -1, N: first >> tileHeight, W: int(width)}
		bundle, err := get(prefix + "/" + path(tile))
		if err != nil {
			return err
		}
		for index := first; index < first+width; index++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("%s ends within entry %d", path(tile), index)
			}
			length := int(binary.BigEndian.Uint16(bundle))
			entry := bundle[2 : 2+length]
			bundle = bundle[2+length:]
			proof, err := tlog.ProveRecord(of.size, index, hashes)
			if err != nil {
				return fmt.Errorf("leaf %d: %v", index, err)
			}
			if err := tlog.CheckRecord(proof, of.size, of.root, index, tlog.RecordHash(entry)); err != nil {
				return fmt.Errorf("leaf %d: %v", index, err)
			}
		}
		if len(bundle) != 0 {
			return fmt.Errorf("%s goes on after its last entry", path(tile))
		}
	}
	return nil
}

// tileReader gets tiles over HTTP; tlog checks them against the root before it uses them.
type tileReader struct {
	prefix string
	known  map[string][]byte
}

func (r *tileReader) Height() int { return tileHeight }

func (r *tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		r.known[tile.Path()] = data[i]
	}
}

func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		if known, ok := r.known[tile.Path()]; ok {
			data[i] = known
			continue
		}
		bytes, err := get(r.prefix + "/" + path(tile))
		if err != nil {
			return nil, err
		}
		data[i] = bytes
	}
	return data, nil
}

// path is that of C2SP: without the height, and with "entries" for what Go's checksum database calls "data".
func path(tile tlog.Tile) string {
	own := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	return "tile/" + strings.Replace(own, "data/", "entries/", 1)
}

func get(url string) ([]byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}

// cosigner checks the signatures of a witness, which Go's package does not know: a time, then Ed25519 over that time and
// the text.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	statement := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(signature), text)
	return ed25519.Verify(c.key, []byte(statement), signature[8:])
}

func parseCosigner(vkey string) (*cosigner, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("malformed key of a witness")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
		return nil, errors.New("not an Ed25519 key for cosignatures")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	hash := binary.BigEndian.Uint32(sum[:4])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		return nil, errors.New("the key of the witness has another hash")
	}
	return &cosigner{name: parts[0], hash: hash, key: key[1:]}, nil
}
