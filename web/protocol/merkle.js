// Does a leaf stand under a root? RFC 9162, section 2.1.3.2, as protocol/merkle.py follows it: a
// node is SHA-256(0x01 | left | right), and an odd last one is promoted.

import { sha256 } from "@noble/hashes/sha2.js";

import { concatBytes, isEqual } from "./bytes.js";

const HASH_LENGTH = 32;
const NODE = Uint8Array.of(1);

/** Whether the leaf stands at `index` in the tree of `size` leaves under `root`; hashes are bytes,
 * `path` the siblings from the leaf up. */
export function verifyInclusion(leaf, index, size, path, root) {
  if (!Number.isSafeInteger(index) || index < 0 || index >= size) return false;
  if (![leaf, root, ...path].every(({ length }) => length === HASH_LENGTH)) return false;
  let [node, place, last] = [leaf, index, size - 1];
  for (const sibling of path) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      node = nodeOf(sibling, node);
      while (place > 0 && place % 2 === 0) [place, last] = [half(place), half(last)];
    } else {
      node = nodeOf(node, sibling);
    }
    [place, last] = [half(place), half(last)];
  }
  return last === 0 && isEqual(node, root);
}

function nodeOf(left, right) {
  return sha256(concatBytes(NODE, left, right));
}

function half(number) {
  return Math.floor(number / 2);
}
