// Which bytes stand for a JSON value? Those of RFC 8785: keys in order, numbers and escapes in the
// one form that ECMAScript gives them. The same as protocol/canonical.py.

import { sha256 } from "@noble/hashes/sha2.js";

import { utf8ToBytes } from "./bytes.js";

/** The SHA-256 digest of a JSON value's canonical form, 32 bytes. */
export function digestOfJson(value) {
  return sha256(utf8ToBytes(canonicalise(value)));
}

/** The canonical form of a value that `JSON.parse` gave. */
export function canonicalise(value) {
  if (Array.isArray(value)) return `[${value.map(canonicalise).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalise(value[key])}`);
  return `{${members.join(",")}}`;
}
