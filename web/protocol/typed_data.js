// What exactly is signed? The EIP-712 messages of this page, as a wallet shows them, and the
// 32 bytes of each. The same as protocol/holder_keys.py and protocol/signing.py.

import { keccak_256 } from "@noble/hashes/sha3.js";
import { hashTypedData } from "viem/utils";

import { fromHex, toHex, utf8ToBytes } from "./bytes.js";

const DOMAIN_FIELDS = [
  { name: "name", type: "string" },
  { name: "version", type: "string" },
  { name: "chainId", type: "uint256" },
];
const REGISTRY_FIELD = { name: "verifyingContract", type: "address" };

const HOLDER_SEED = [
  { name: "operator", type: "string" },
  { name: "operatorId", type: "address" },
  { name: "chainId", type: "uint256" },
];

const CONSENT_GRANT = [
  { name: "entryType", type: "uint8" },
  { name: "version", type: "uint8" },
  { name: "agreementId", type: "bytes32" },
  { name: "issuer", type: "address" },
  { name: "holder", type: "address" },
  { name: "validFrom", type: "uint64" },
  { name: "validUntil", type: "uint64" },
  { name: "commitment", type: "bytes" },
];

const TERMS = [
  { name: "parties", type: "address[]" },
  { name: "validFrom", type: "uint64" },
  { name: "validUntil", type: "uint64" },
  { name: "policyHash", type: "bytes32" },
  { name: "documentHash", type: "bytes32" },
  { name: "rulebook", type: "bytes32" },
  { name: "parent", type: "bytes32" },
  { name: "salt", type: "bytes32" },
  { name: "lines", type: "PriceLine[]" },
];

const PRICE_LINE = [
  { name: "payee", type: "address" },
  { name: "category", type: "uint16" },
  { name: "unitPrice", type: "uint64" },
  { name: "freeUnits", type: "uint64" },
];

/** An organisation's permanent id: the last 20 bytes of keccak256 of its DID, 0x-hex. */
export function organisationId(did) {
  return toHex(keccak_256(utf8ToBytes(did)).subarray(12));
}

/** The typed data whose signature is a wallet's seed for one operator. */
export function holderSeedMessage(operatorDid, chainId) {
  const operatorId = organisationId(operatorDid);
  return holderMessage(chainId, "HolderSeed", HOLDER_SEED, {
    operator: operatorDid,
    operatorId,
    chainId: String(chainId),
  });
}

/** The typed data by which a one-time key proves itself to one session; nonce is 0x-hex. */
export function holderSessionMessage(chainId, nonce) {
  const fields = [{ name: "nonce", type: "bytes32" }];
  return holderMessage(chainId, "HolderSession", fields, { nonce });
}

/** The grant of a consent by its holder; `entry` as `decodeEntry` gives it. */
export function grantMessage(entry, chainId, registry) {
  const { agreementId, issuer, holder, validFrom, validUntil, commitment } = entry;
  return registryMessage(chainId, registry, "ConsentGrant", CONSENT_GRANT, {
    entryType: 1,
    version: 1,
    agreementId,
    issuer,
    holder,
    validFrom: String(validFrom),
    validUntil: String(validUntil),
    commitment,
  });
}

/** The withdrawal of the consent with this leaf; leaf and registry are 0x-hex. */
export function withdrawalMessage(leaf, chainId, registry) {
  const fields = [{ name: "leaf", type: "bytes32" }];
  return registryMessage(chainId, registry, "ConsentWithdrawal", fields, { leaf });
}

/** The terms of an agreement, as `protocol/terms_json.py` writes them: their digest is its id. */
export function termsMessage(terms, chainId, registry) {
  const made = registryMessage(chainId, registry, "Terms", TERMS, terms, "AgreementRegistry");
  return { ...made, types: { ...made.types, PriceLine: PRICE_LINE } };
}

/** An identified learner's word that a holder key is theirs; all values are 0x-hex. */
export function holderBindingMessage(agreementId, holder, chainId, registry) {
  const fields = [
    { name: "agreementId", type: "bytes32" },
    { name: "holder", type: "address" },
  ];
  return registryMessage(chainId, registry, "HolderBinding", fields, { agreementId, holder });
}

/** What is signed for a message, 32 bytes. */
export function digestOf(message) {
  return fromHex(hashTypedData(message));
}

function holderMessage(chainId, primaryType, fields, message) {
  return {
    types: { EIP712Domain: DOMAIN_FIELDS, [primaryType]: fields },
    primaryType,
    domain: { name: "PTX Holder", version: "1", chainId },
    message,
  };
}

function registryMessage(
  chainId,
  registry,
  primaryType,
  fields,
  message,
  contract = "ConsentRegistry",
) {
  return {
    types: { EIP712Domain: [...DOMAIN_FIELDS, REGISTRY_FIELD], [primaryType]: fields },
    primaryType,
    domain: {
      name: `PTX ${contract}`,
      version: "1",
      chainId,
      verifyingContract: registry.toLowerCase(),
    },
    message,
  };
}
