// Do the pages' rules agree with the golden vectors that Python and Solidity read, too?

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { fromHex, isEqual, toHex } from "../../web/protocol/bytes.js";
import { canonicalise } from "../../web/protocol/canonical.js";
import { commit, makeBlinding } from "../../web/protocol/commitments.js";
import { decodeEntry, encodeEntry, leafOf } from "../../web/protocol/entries.js";
import { deriveHolderKey, passkeySalt, seedOfSignature } from "../../web/protocol/holder_keys.js";
import {
  CURVE_ORDER,
  addressOf,
  isLowS,
  recoverSigner,
  signDigest,
} from "../../web/protocol/signatures.js";
import { makeSlip, readSlip } from "../../web/protocol/slips.js";
import * as typedData from "../../web/protocol/typed_data.js";
import { withLedgersV } from "../../web/protocol/wallet_signatures.js";

const VECTORS = new URL("../vectors/", import.meta.url);
const read = (path) => JSON.parse(readFileSync(new URL(path, VECTORS), "utf8"));
const inLowerCase = (value) => JSON.stringify(value).toLowerCase();

for (const source of ["wallet", "passkey"]) {
  test(`the keys of the ${source} are derived as everywhere`, () => {
    const vector = read(`holder_keys/${source}.json`);
    for (const { index, secretKey, address } of vector.keys) {
      const secret = deriveHolderKey(fromHex(vector.seed), index);
      assert.equal(toHex(secret), secretKey);
      assert.equal(addressOf(secret), address.toLowerCase());
    }
  });
}

test("the salt of a passkey is that of the vector", () => {
  const { salt, chainId, operatorId } = read("holder_keys/passkey.json");
  assert.equal(toHex(passkeySalt(chainId, operatorId)), salt);
});

test("a seed of another length and a key number out of range are refused", () => {
  assert.throws(() => deriveHolderKey(new Uint8Array(33), 0), RangeError);
  for (const index of [-1, 0.5, 2 ** 32]) {
    assert.throws(() => deriveHolderKey(new Uint8Array(32), index), RangeError);
  }
});

test("the seed is r | s of the wallet's signature, and the operator's id follows its DID", () => {
  const vector = read("holder_keys/wallet.json");
  const signature = fromHex(vector.signature);
  assert.equal(toHex(seedOfSignature(signature)), vector.seed);
  assert.equal(typedData.organisationId(vector.operator), vector.operatorId.toLowerCase());
  const digest = typedData.digestOf(typedData.holderSeedMessage(vector.operator, vector.chainId));
  assert.equal(
    recoverSigner(digest, signature),
    read("eip712/holder-seed.json").signer.toLowerCase(),
  );
});

const MESSAGES = {
  "consent-grant": ({ message, domain }) =>
    typedData.grantMessage(message, domain.chainId, domain.verifyingContract),
  "holder-seed": ({ message, domain }) =>
    typedData.holderSeedMessage(message.operator, domain.chainId),
  "holder-session": ({ message, domain }) =>
    typedData.holderSessionMessage(domain.chainId, message.nonce),
  terms: ({ message, domain }) =>
    typedData.termsMessage(message, domain.chainId, domain.verifyingContract),
  "consent-withdrawal": ({ message, domain }) =>
    typedData.withdrawalMessage(message.leaf, domain.chainId, domain.verifyingContract),
};

for (const [name, build] of Object.entries(MESSAGES)) {
  test(`${name}: message, digest and signature are those of the vector`, () => {
    const vector = read(`eip712/${name}.json`);
    const message = build(vector.typedData);
    assert.equal(inLowerCase(message), inLowerCase(vector.typedData));
    const digest = typedData.digestOf(message);
    assert.equal(toHex(digest), vector.digest);
    const signature = signDigest(fromHex(vector.secretKey), digest);
    assert.equal(toHex(signature), vector.signature);
    assert.equal(recoverSigner(digest, signature), vector.signer.toLowerCase());
  });
}

for (const file of readdirSync(new URL("entries/", VECTORS))) {
  test(`the entry in ${file} has its parts and its leaf`, () => {
    const vector = read(`entries/${file}`);
    const entry = decodeEntry(fromHex(vector.entry));
    assert.equal(leafOf(fromHex(vector.entry)), vector.leaf);
    assert.equal(entry.agreementId, vector.agreementId.toLowerCase());
    assert.equal(entry.issuer, vector.issuer.toLowerCase());
    assert.equal(entry.holder, vector.holder.toLowerCase());
    assert.equal(String(entry.validFrom), vector.validFrom);
    assert.equal(String(entry.validUntil), vector.validUntil);
    assert.equal(entry.commitment, vector.commitment);
    assert.equal(toHex(encodeEntry(entry)), vector.entry);
  });
}

for (const file of readdirSync(new URL("commitments/", VECTORS))) {
  test(`the commitment in ${file} is the same point`, () => {
    const { digest, blinding, commitment } = read(`commitments/${file}`);
    assert.equal(toHex(commit(fromHex(digest), fromHex(blinding))), commitment);
  });
}

test("no two blindings are the same, and each is in range", () => {
  const made = Array.from({ length: 50 }, () => toHex(makeBlinding()));
  assert.equal(new Set(made).size, made.length);
  assert.ok(made.every((each) => BigInt(each) > 0n && BigInt(each) < CURVE_ORDER));
});

test("a slip is read and made again, byte for byte", () => {
  const vector = read("slips/plain.json");
  const bytes = fromHex(vector.slip);
  const slip = readSlip(bytes);
  assert.equal(slip.leaf, vector.leaf);
  assert.equal(slip.entry.holder, vector.holder.toLowerCase());
  assert.equal(slip.registry, vector.registry.toLowerCase());
  assert.ok(slip.isSigned);
  const { secretKey } = read("eip712/consent-withdrawal.json");
  const made = makeSlip(fromHex(vector.entry), fromHex(secretKey), vector.chainId, slip.registry);
  assert.equal(toHex(made), vector.slip);
});

test("a damaged slip is no slip, or is not signed", () => {
  const good = fromHex(read("slips/plain.json").slip);
  const damaged = (place) => good.map((byte, index) => (index === place ? byte ^ 1 : byte));
  assert.equal(readSlip(good.subarray(1)), null);
  assert.equal(readSlip(damaged(0)), null);
  assert.equal(readSlip(damaged(32)), null);
  for (const place of [11, 31, 60, 120, 154, 160, 200]) {
    assert.equal(readSlip(damaged(place)).isSigned, false, `byte ${place}`);
  }
});

test("canonical JSON sorts keys by their UTF-16 units and writes numbers in one way", () => {
  // From RFC 8785, 3.2.2 and 3.2.3.
  const numbers = [333333333.33333329, 1e30, 4.5, 2e-3, 1e-27];
  const string = '\u20ac$\u000f\nA\'B"\\\\"/';
  assert.equal(
    canonicalise({ numbers, string, literals: [null, true, false] }),
    '{"literals":[null,true,false],' +
      '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const keys = {
    "\u20ac": 1,
    "\r": 2,
    "\ufb33": 3,
    1: 4,
    "\ud83d\ude00": 5,
    "\u0080": 6,
    "\u00f6": 7,
  };
  assert.deepEqual(
    [...canonicalise(keys).matchAll(/:(\d)/g)].map(([, place]) => Number(place)),
    [2, 4, 6, 7, 1, 5, 3],
  );
});

test("what is no entry is not read as one", () => {
  const entry = fromHex(read("entries/one.json").entry);
  assert.equal(decodeEntry(entry.subarray(1)), null);
  assert.equal(decodeEntry(Uint8Array.of(2, ...entry.subarray(1))), null);
});

test("high s, another length and a foreign v are no signature", () => {
  const { digest, signature } = read("eip712/holder-session.json");
  const good = fromHex(signature);
  const s = CURVE_ORDER - BigInt(toHex(good.subarray(32, 64)));
  const highS = fromHex(`0x${signature.slice(2, 66)}${s.toString(16).padStart(64, "0")}1b`);
  assert.ok(isLowS(good));
  assert.ok(!isLowS(highS));
  assert.ok(!isLowS(good.subarray(0, 64)));
  const foreign = Uint8Array.from(good);
  foreign[64] = 31;
  assert.equal(recoverSigner(fromHex(digest), foreign), null);
});

test("a v numbered from 0 is no signature of the ledger, until it is put right", () => {
  const { digest, signature, signer } = read("eip712/holder-session.json");
  const v = Number(`0x${signature.slice(-2)}`) - 27;
  const fromZero = `${signature.slice(0, -2)}0${v}`;
  assert.equal(recoverSigner(fromHex(digest), fromHex(fromZero)), null);
  assert.equal(withLedgersV(fromZero), signature);
  assert.equal(withLedgersV(`${signature.slice(0, -2)}0${1 - v}`).slice(-2), v ? "1b" : "1c");
  assert.equal(recoverSigner(fromHex(digest), fromHex(signature)), signer.toLowerCase());
  for (const other of [signature, `${fromZero}00`, `${signature.slice(0, -2)}02`, "0x", null]) {
    assert.equal(withLedgersV(other), other);
  }
});
