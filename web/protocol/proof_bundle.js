// What does a proof file prove by itself? The sections of protocol/bundle_verification.py: "ok" was
// computed here and found right, "failed" computed and found wrong; "not-checked" is what nothing
// in the file lets a reader compute. Words are the page's.

import { fromHex, toHex, toNumber, utf8ToBytes } from "./bytes.js";
import { canonicalise, digestOfJson } from "./canonical.js";
import { commit } from "./commitments.js";
import { decodeEntry, leafOf } from "./entries.js";
import { verifyInclusion } from "./merkle.js";
import { CURVE_ORDER, recoverSigner } from "./signatures.js";
import { digestOf, grantMessage, termsMessage } from "./typed_data.js";

const FORMAT = "ptx-proof-bundle";
const VERSION = 1;
const RECORD_BYTES_MAX = 64 * 1024;
const SIGNATURE = /^0x[0-9a-f]{130}$/i;
const ADDRESS = /^0x[0-9a-f]{40}$/;
const PROOFS_OF_THE_CHAIN = [
  ["stateProof", "state-proof"],
  ["blockHeader", "block-header"],
  ["seals", "seals"],
];

/** Every question to a bundle, in reading order: [{name, result}]. Throws nothing: what is no
 * bundle gives one section, `format`, that failed. */
export function verifyBundle(bundle) {
  let entry;
  try {
    entry = entryOf(bundle);
  } catch {
    return [section("format", "failed")];
  }
  return [
    section("format", "ok"),
    ...recordSections(bundle.record, entry),
    check("leaf", () => isLeaf(bundle)),
    check("inclusion", () => isIncluded(bundle, entry)),
    check("agreement", () => isAgreement(bundle, entry)),
    check("anchor", () => isAnchoredBefore(bundle) && null),
    check("endings", () => isEndedBefore(bundle) && null),
    check("status", () => isInOrder(bundle) && null),
    ...PROOFS_OF_THE_CHAIN.map(([, name]) => section(name, "not-checked")),
  ];
}

/** Whether a value says of itself that it is a proof file, whatever has become of it. */
export function isCalledBundle(value) {
  return value?.format === FORMAT;
}

/** What a record proves that stands alone, as in a learner's export: {chainId, registry, record,
 * leaf}, the ledger and the leaf that it is said to have. As `verifyBundle`, without the way to the
 * root, the agreement, and what became of it. */
export function verifyRecord({ chainId, registry, record, leaf }) {
  let entry;
  try {
    entry = entryOfRecord(record);
  } catch {
    return [section("record", "failed")];
  }
  const isPlaced = check("leaf", () => isLeaf({ chainId, registry, record, leaf }));
  return [...recordSections(record, entry), isPlaced];
}

/** Which proofs of the chain the bundle holds, by the names of their sections. */
export function proofsHeld(bundle) {
  return PROOFS_OF_THE_CHAIN.filter(([key]) => key in bundle).map(([, name]) => name);
}

/** The parts of the record's entry; throws for what is no bundle. */
export function entryOf({ format, version, record, inclusion, endings, asOf, agreement }) {
  const isWhole = [inclusion.path, agreement.history, agreement.parties].every(Array.isArray);
  const isBundle = format === FORMAT && version === VERSION && isWhole && endings && asOf;
  if (!isBundle) throw new TypeError("no proof bundle");
  return entryOfRecord(record);
}

function entryOfRecord(record) {
  const entry = decodeEntry(fromHex(record.entry));
  const blinding = toNumber(fromHex(record.blinding));
  const isBlinded = blinding >= 1n && blinding < CURVE_ORDER;
  if (!entry || !isSignedInForm(record) || !isBlinded) throw new TypeError("no record");
  return entry;
}

function isSignedInForm({ document, grantSignature, guardianSignature }) {
  const fits = (form, text) => text === undefined || (typeof text === "string" && form.test(text));
  const areSignatures = [grantSignature, guardianSignature].every((each) => fits(SIGNATURE, each));
  return areSignatures && fits(ADDRESS, document.guardian);
}

function section(name, result) {
  return { name, result };
}

/** True is right, false wrong; null cannot be computed from the file. What breaks a rule on the way
 * is wrong. */
function check(name, answer) {
  try {
    const found = answer();
    return section(name, found === null ? "not-checked" : found ? "ok" : "failed");
  } catch {
    return section(name, "failed");
  }
}

/** Document, commitment, signature and assurance: they stand or fall together. */
function recordSections(record, entry) {
  const isRight = check("record", () => isOpened(record, entry) && isClaimProven(record, entry));
  if (isRight.result === "failed") return [isRight];
  return [
    section("document", "ok"),
    section("grant-signature", record.grantSignature === undefined ? "not-checked" : "ok"),
    ...(record.guardianSignature === undefined ? [] : [section("guardian-signature", "ok")]),
    section("assurance", record.holderBinding === undefined ? "ok" : "not-checked"),
  ];
}

function isOpened({ document, blinding, ...record }, entry) {
  const whole = canonicalise({ document, blinding, ...record });
  const commitment = toHex(commit(digestOfJson(document), fromHex(blinding)));
  return utf8ToBytes(whole).length <= RECORD_BYTES_MAX && commitment === entry.commitment;
}

/** Whether the signatures prove the assurance that the document claims; an identity is for others
 * to look up. */
function isClaimProven(record, entry) {
  const { document, chainId, registry, grantSignature, guardianSignature, holderBinding } = record;
  if (grantSignature === undefined) {
    const isBare = [document.guardian, guardianSignature, holderBinding].every((each) => !each);
    return isBare && document.assurance === "attested";
  }
  const digest = digestOf(grantMessage(entry, chainId, registry));
  if (recoverSigner(digest, fromHex(grantSignature)) !== entry.holder) return false;
  if (!isGuarded(record, entry, digest)) return false;
  return document.assurance === (holderBinding === undefined ? "signed" : "identified");
}

/** Whether the guardian whom the document names, and nobody else, signed the grant along. */
function isGuarded({ document: { guardian }, guardianSignature }, { holder }, digest) {
  if (guardian === undefined || guardianSignature === undefined) {
    return guardian === guardianSignature;
  }
  return guardian !== holder && recoverSigner(digest, fromHex(guardianSignature)) === guardian;
}

function isLeaf({ chainId, registry, record, leaf }) {
  const isSamePlace = chainId === record.chainId && isSame(registry, record.registry);
  return isSamePlace && isSame(leaf, leafOf(fromHex(record.entry)));
}

function isIncluded({ record, inclusion }, entry) {
  const { issuer, index, size, path, root } = inclusion;
  const leaf = fromHex(leafOf(fromHex(record.entry)));
  const places = [index, size, path.map(fromHex), fromHex(root)];
  return isSame(issuer, entry.issuer) && verifyInclusion(leaf, ...places);
}

function isAgreement({ chainId, agreement }, entry) {
  const { agreementId, registry, terms } = agreement;
  if (!isSame(agreementId, entry.agreementId)) return false;
  if (terms === undefined) return null;
  const isId = isSame(agreementId, toHex(digestOf(termsMessage(terms, chainId, registry))));
  const isStated = ["validFrom", "validUntil"].every((name) => agreement[name] === terms[name]);
  return isId && isStated && isSame(agreement.parties.join(), terms.parties.join());
}

function isAnchoredBefore({ inclusion, asOf }) {
  return inclusion.anchoredAt <= asOf.blockTime && inclusion.blockNumber <= asOf.blockNumber;
}

function isEndedBefore({ endings, asOf }) {
  return Object.values(endings).every((time) => time === null || time <= asOf.blockTime);
}

function isInOrder({ agreement }) {
  const times = agreement.history.map(({ time }) => time);
  return times.every((time, place) => place === 0 || times[place - 1] <= time);
}

function isSame(one, other) {
  return one.toLowerCase() === other.toLowerCase();
}
