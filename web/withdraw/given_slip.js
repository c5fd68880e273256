// What did the reader hand over? A slip as a file, as 220 bytes or text, or the text of its code.

import { PageProblem } from "../problems.js";
import { fromHex } from "../protocol/bytes.js";
import { SLIP_LENGTH, readSlip } from "../protocol/slips.js";

/** {bytes, slip}. Throws PageProblem for what is no slip, is not signed, or is for another ledger;
 * the file counts where there is one. */
export async function readGivenSlip(file, text, ledger) {
  const bytes = file ? await bytesOfFile(file) : bytesOfText(text);
  const slip = bytes && readSlip(bytes);
  if (!slip) throw new PageProblem(file || text.trim() ? "slipUnreadable" : "slipMissing");
  const { chainId, registry } = slip;
  if (chainId !== ledger.chainId || registry !== ledger.registry.toLowerCase()) {
    throw new PageProblem("slipOfAnother", { chainId });
  }
  if (!slip.isSigned) throw new PageProblem("slipUnsigned");
  return { bytes, slip };
}

async function bytesOfFile(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  return bytes.length === SLIP_LENGTH ? bytes : bytesOfText(new TextDecoder().decode(bytes));
}

/** Spaces and line breaks may have come in on the way; null for what is not hexadecimal. */
function bytesOfText(text) {
  try {
    return fromHex(text.replace(/\s/g, ""));
  } catch {
    return null;
  }
}
