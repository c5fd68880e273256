// How does a wallet's signature become one that the ledger takes? Some wallets number v from 0, the
// ledger from 27 (protocol/signatures.py).

const FROM_ZERO = /^(0x[0-9a-f]{128})0([01])$/i;

/** The signature, 0x-hex, with v from 27. What is of another form comes back as it is. */
export function withLedgersV(signature) {
  const [, rs, v] = FROM_ZERO.exec(signature) ?? [];
  return rs === undefined ? signature : `${rs}${v === "0" ? "1b" : "1c"}`;
}
