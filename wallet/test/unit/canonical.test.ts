import assert from "node:assert/strict";
import { test } from "node:test";
import { base64url, fromUtf8, hex, unbase32, unbase64url, unhex, utf8 } from "../../src/core/bytes.js";
import { canonicalText, fromJson, isSet, readCanonical } from "../../src/core/canonical.js";
import { JsonNumber, parseJson } from "../../src/core/json.js";

const LIMITS = { bytes: 256, depth: 3, nodes: 20 };
const parse = (text: string) => parseJson(utf8(text), LIMITS);

test("every kind of JSON value is read", () => {
  const json = parse(' {"a":[null,true,false,-0.5e+3,"x\\n\\u00e9\\ud83d\\ude00"],"b":{}} ');
  assert.ok(json instanceof Map);
  const items = json.get("a");
  assert.ok(Array.isArray(items) && items[3] instanceof JsonNumber);
  assert.equal(items[3].text, "-0.5e+3");
  assert.equal(items[4], "x\né😀");
});

test("what RFC 8259 does not allow is refused", () => {
  for (const text of [
    "", "01", "+1", "1.", ".5", "1e", "nul", "[1,]", "[,]", '{"a"}', "{a:1}", '{"a":1,}', "'a'", '"\t"', '"\\x"',
    '"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', "[1", "{", '"a', "1 2", "NaN", "\ufeff1", '{"a":1,"\\u0061":2}',
  ]) {
    assert.throws(() => parse(text), { code: "json" }, text);
  }
  assert.throws(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22), LIMITS), { code: "json" });
});

test("every limit holds at both ends", () => {
  parse("[[[]]]");
  assert.throws(() => parse("[[[[]]]]"));
  parse(`[${"1,".repeat(18)}1]`);
  assert.throws(() => parse(`[${"1,".repeat(19)}1]`));
  parse(`"${"a".repeat(254)}"`);
  assert.throws(() => parse(`"${"a".repeat(255)}"`));
});

test("a member named __proto__ is a member like others", () => {
  const value = readCanonical(utf8('{"__proto__":"a"}'), LIMITS);
  assert.equal(canonicalText(value), '{"__proto__":"a"}');
});

test("members are sorted by UTF-16 code units, as RFC 8785 shows", () => {
  const text = '{"€":"","\\r":"","\\ufb33":"","1":"","😀":"","\\u0080":"","ö":""}';
  const written = canonicalText(fromJson(parse(text)));
  assert.equal(written, '{"\\r":"","1":"","\u0080":"","ö":"","€":"","😀":"","\ufb33":""}');
});

test("every spelling but the canonical one is refused", () => {
  for (const text of ['{"a": "b"}', '{"b":"","a":""}', '["\\u0061"]', '["\\/"]', " []", "1", "true", "null", '{"a":[1]}']) {
    assert.throws(() => readCanonical(utf8(text), LIMITS), { code: "not_canonical" }, text);
  }
  assert.equal(canonicalText(readCanonical(utf8('["\\u0000\\u001f\\n\\"\\\\"]'), LIMITS)), '["\\u0000\\u001f\\n\\"\\\\"]');
});

test("bytes have one text each", () => {
  for (let length = 0; length < 70; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, at) => (at * 41 + length) & 255);
    assert.equal(base64url(bytes), Buffer.from(bytes).toString("base64url"));
    assert.deepEqual(unbase64url(base64url(bytes)), bytes);
    assert.deepEqual(unhex(hex(bytes)), bytes);
  }
  for (const text of ["A", "AB", "AA==", "A+", "AAA/", "AÄ"]) assert.equal(unbase64url(text), null, text);
  for (const text of ["a", "AA", "0g"]) assert.equal(unhex(text), null, text);
  assert.equal(unhex("00", 2), null);
  assert.deepEqual(unbase32("ae"), Uint8Array.of(1));
  for (const text of ["a", "ab", "A4", "a1"]) assert.equal(unbase32(text), null, text);
  assert.equal(fromUtf8(Uint8Array.of(0xc0, 0x80)), null);
});

test("a set is sorted by bytes and has no duplicates", () => {
  assert.ok(isSet(["a", "b"]) && isSet([]));
  assert.ok(!isSet(["b", "a"]) && !isSet(["a", "a"]));
  // U+FB33 stands before U+1F600 in bytes, and behind it in UTF-16.
  assert.ok(isSet(["\ufb33", "😀"]));
});
