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

/** The withdrawal of the consent with this leaf; leaf and registry are 0x-hex. */
export function withdrawalMessage(leaf, chainId, registry) {
  return {
    types: {
      EIP712Domain: [...DOMAIN_FIELDS, REGISTRY_FIELD],
      ConsentWithdrawal: [{ name: "leaf", type: "bytes32" }],
    },
    primaryType: "ConsentWithdrawal",
    domain: {
      name: "PTX ConsentRegistry",
      version: "1",
      chainId,
      verifyingContract: registry.toLowerCase(),
    },
    message: { leaf },
  };
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
