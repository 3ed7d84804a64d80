// preamble-check checks with the stock library that a vault's evidence is bound to this very
// connection (docs/protocol.md) and sends one HTTP/2 request inside. It does NOT verify the
// quote's signatures: that takes a DCAP verifier.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/bits"
	"net"
	"net/http"
	"time"
)

const alpn, label = "ev-attest/1", "EXPORTER-enclave-vaults-attest-v1"

// Whatever is refused panics; main says why.
func require(ok bool, code string) {
	if !ok {
		panic(code)
	}
}

func must[T any](value T, err error) T { require(err == nil, fmt.Sprint(err)); return value }

func frame(kind byte, payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{'E', 'V', 'A', 'T', 1, kind}, uint32(len(payload))), payload...)
}

func readFrame(from io.Reader, kind byte) []byte {
	head := make([]byte, 10)
	must(io.ReadFull(from, head))
	length := binary.BigEndian.Uint32(head[6:])
	require(bytes.HasPrefix(head, []byte{'E', 'V', 'A', 'T', 1, kind}) && length <= 64<<10, fmt.Sprintf("unexpected_frame %x", head))
	payload := make([]byte, length)
	must(io.ReadFull(from, payload))
	return payload
}

func tagged(tag string, fields ...[]byte) []byte {
	return append([]byte(tag+"\x00"), bytes.Join(fields, nil)...)
}

// check holds an Evidence frame to the connection; it returns the claims and the measurement.
func check(rest, nonce, exporter, spkiHash []byte) (claims map[string]any, measurement []byte) {
	cut := func(n uint32) int { require(uint64(n) <= uint64(len(rest)), "malformed"); return int(n) }
	take := func(n uint32) (taken []byte) { taken, rest = rest[:cut(n)], rest[n:]; return }
	number := func() uint32 { return binary.BigEndian.Uint32(take(4)) }
	take(32) // the nonce for a caller's evidence
	text, quote := take(number()), take(number())
	take(number()) // collateral
	index, size, root, steps := number(), number(), take(32), int(take(1)[0])
	inner := bits.Len32(index ^ (size - 1)) // RFC 6962, 2.1.1
	require(index < size && len(rest) == 32*steps && len(quote) >= 432, "malformed")
	require(steps == inner+bits.OnesCount32(index>>inner), "binding")
	require(json.Unmarshal(text, &claims) == nil && claims["role"] == "vault" && claims["spki_hash"] == hex.EncodeToString(spkiHash), "claims")
	claimsHash := sha256.Sum256(tagged("enclave-vaults/ratls-claims/v1", text))
	binding := sha512.Sum512(tagged("enclave-vaults/ratls-preamble/v1", []byte{1}, nonce, exporter, spkiHash, claimsHash[:]))
	node := sha256.Sum256(append([]byte{0}, binding[:]...))
	for level := range steps {
		left, right := node[:], take(32)
		if level >= inner || index>>level&1 == 1 {
			left, right = right, left
		}
		node = sha256.Sum256(bytes.Join([][]byte{{1}, left, right}, nil))
	}
	require(bytes.Equal(node[:], root), "binding")
	reportData := sha512.Sum512(tagged("enclave-vaults/ratls-batch/v1", root))
	require(bytes.Equal(quote[48+320:48+384], reportData[:]), "report_data") // header 48, then the report
	return claims, quote[48+64 : 48+96]
}

func attest(conn *tls.Conn, vaultID string) (measurement []byte) {
	nonce, state := make([]byte, 32), conn.ConnectionState()
	require(state.NegotiatedProtocol == alpn, "not_attested")
	rand.Read(nonce)
	must(conn.Write(frame(1, append(nonce[:32:32], 0))))
	evidence := readFrame(conn, 2)
	exporter := must(state.ExportKeyingMaterial(label, nonce, 32))
	spkiHash := sha256.Sum256(state.PeerCertificates[0].RawSubjectPublicKeyInfo)
	claims, measurement := check(evidence, nonce, exporter, spkiHash[:])
	identity := must(hex.DecodeString(fmt.Sprint(claims["identity_key"])))
	require(fmt.Sprintf("%x", sha256.Sum256(tagged("enclave-vaults/vault-id/v1", identity))) == vaultID, "other_vault")
	must(conn.Write(frame(4, nil)))
	readFrame(conn, 4)
	return measurement
}

func main() {
	address, vaultID := flag.String("addr", "", "host:port of the vault"), flag.String("vault-id", "", "the vault that must answer, hex")
	path := flag.String("path", "/", "path of the request inside")
	flag.Parse()
	defer func() {
		if code := recover(); code != nil {
			log.Fatalln("refused:", code)
		}
	}()
	conn := must(tls.Dial("tcp", *address, &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{alpn},
		InsecureSkipVerify: true, SessionTicketsDisabled: true})) // TLS proves the leaf's key, the preamble the rest
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	measurement := attest(conn, *vaultID)
	dial := func(context.Context, string, string) (net.Conn, error) { return conn, nil }
	transport := &http.Transport{Protocols: new(http.Protocols), DialContext: dial}
	transport.Protocols.SetUnencryptedHTTP2(true)
	response := must((&http.Client{Transport: transport}).Get("http://vault.invalid" + *path))
	fmt.Printf(`{"vault_id":%q,"measurement":"%x","quote_signatures":"NOT verified by this program","protocol":%q,"status":%d}`+"\n",
		*vaultID, measurement, response.Proto, response.StatusCode)
}
