// Does an identity sign as Python checks it, and does a guardian's signature belong to the record?

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { fromHex, toHex, utf8ToBytes } from "../../web/protocol/bytes.js";
import { digestOfJson } from "../../web/protocol/canonical.js";
import { commit } from "../../web/protocol/commitments.js";
import { decodeEntry } from "../../web/protocol/entries.js";
import { deriveGuardianKey } from "../../web/protocol/holder_keys.js";
import {
  didOfKey,
  isDidKey,
  makeKey,
  readCredential,
  signWithKey,
} from "../../web/protocol/identities.js";
import { grantDocument, signerOf } from "../../web/protocol/records.js";
import { recoverSigner } from "../../web/protocol/signatures.js";
import { digestOf, grantMessage, holderBindingMessage } from "../../web/protocol/typed_data.js";

const read = (path) => JSON.parse(readFileSync(new URL(`../vectors/${path}`, import.meta.url)));
const inLowerCase = (value) => JSON.stringify(value).toLowerCase();
const REGISTRY = `0x${"0c".repeat(20)}`;
const ASKED = {
  chainId: 5,
  registry: REGISTRY,
  agreementId: `0x${"a1".repeat(32)}`,
  validFrom: 1_800_000_000,
  validUntil: 1_900_000_000,
  groupId: "r-1",
  asking: { organisationId: `0x${"0b".repeat(20)}` },
};
const DOCUMENT = { receipt: {}, notice: {}, recipients: [], assurance: "signed" };

test("the key of a guardian is that of the vector", () => {
  const { seed, guardianKey } = read("holder_keys/wallet.json");
  const minor = read("entries/one.json").holder;
  assert.equal(toHex(deriveGuardianKey(fromHex(seed), minor)), guardianKey);
  assert.throws(() => deriveGuardianKey(new Uint8Array(33), minor), RangeError);
});

test("the message that binds a holder is that of the vector", () => {
  const { typedData, digest } = read("eip712/holder-binding.json");
  const { chainId, verifyingContract } = typedData.domain;
  const { agreementId, holder } = typedData.message;
  const message = holderBindingMessage(agreementId, holder, chainId, verifyingContract);
  assert.equal(inLowerCase(message), inLowerCase(typedData));
  assert.equal(toHex(digestOf(message)), digest);
});

test("a new key has a DID, and signs so that its public part verifies", async () => {
  const key = await makeKey();
  assert.ok(isDidKey(didOfKey(key)));
  const message = utf8ToBytes("a message");
  const signature = await signWithKey(key, message);
  assert.equal(signature.length, 64);
  const { d, ...open } = key;
  assert.equal(didOfKey(open), didOfKey(key));
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const verifier = await crypto.subtle.importKey("jwk", open, algorithm, false, ["verify"]);
  assert.ok(await crypto.subtle.verify(algorithm, verifier, signature, message));
  await assert.rejects(signWithKey({ ...open, d: undefined }, message));
});

test("a credential is read, and what is none is not", () => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "ES256" })}.${part({ iss: "did:x:é", sub: "did:y" })}.AAAA`;
  assert.deepEqual(readCredential(token), { issuer: "did:x:é", subject: "did:y" });
  for (const wrong of ["", "a.b.c", `${part({})}.${part({ iss: "did:x" })}.AA`, `${token}.AA`]) {
    assert.equal(readCredential(wrong), null, wrong);
  }
});

test("with a guardian the document that is committed to names them, and both sign", async () => {
  const [holder, guardian] = [1, 2].map((each) => signerOf(new Uint8Array(32).fill(each)));
  const { record, slip } = await grantDocument(ASKED, DOCUMENT, { holder, guardian });
  assert.equal(record.document.guardian, guardian.address);
  const entry = decodeEntry(fromHex(record.entry));
  const digest = digestOfJson({ ...DOCUMENT, guardian: guardian.address });
  assert.equal(entry.commitment, toHex(commit(digest, fromHex(record.blinding))));
  const signed = digestOf(grantMessage(entry, ASKED.chainId, REGISTRY));
  assert.equal(recoverSigner(signed, fromHex(record.grantSignature)), holder.address);
  assert.equal(recoverSigner(signed, fromHex(record.guardianSignature)), guardian.address);
  assert.equal(slip.length, 220);
});

test("alone, the document is as asked for; without a secret there is no slip", async () => {
  const { address, sign } = signerOf(new Uint8Array(32).fill(1));
  const { record, slip } = await grantDocument(ASKED, DOCUMENT, { holder: { address, sign } });
  assert.deepEqual(record.document, DOCUMENT);
  assert.ok(!("guardianSignature" in record) && !("holderBinding" in record));
  assert.equal(slip, null);
});
