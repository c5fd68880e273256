// What does the node say of a request, and how is it answered? The token goes in a header, so that
// no log has it. The page shows what the documents say, and signs nothing else.

import { ask, tell } from "../node_api.js";
import { PageProblem } from "../problems.js";
import { toHex } from "../protocol/bytes.js";
import { canonicalise, digestOfJson } from "../protocol/canonical.js";

const PATH = "/v1/requests/by-token";
const TOKEN = /^[\w-]{43}$/;

/** Whether a text has the form of a token. */
export function isToken(text) {
  return TOKEN.test(text);
}

/** The request. Throws PageProblem unless its documents are of this ledger and say what it says. */
export async function readRequest(token, ledger) {
  const asked = await ask(PATH, shownBy(token));
  const isHere =
    asked.chainId === ledger.chainId &&
    asked.registry.toLowerCase() === ledger.registry.toLowerCase();
  if (!isHere || !asked.purposes.every((each) => isAsSaid(each, asked))) {
    throw new PageProblem("requestMistrusted");
  }
  return asked;
}

/** Grants with these records. The same ones again get the same answer. */
export async function grant(token, signed) {
  const records = signed.map(({ record }) => record);
  const { consents } = await tell(`${PATH}/grant`, { records }, shownBy(token));
  const leaves = consents.map(({ leaf }) => leaf);
  if (
    !isSame(
      leaves,
      signed.map(({ leaf }) => leaf),
    )
  )
    throw new PageProblem("mistrusted");
}

/** Grants nothing. Refusing again changes nothing. */
export function refuse(token) {
  return tell(`${PATH}/refuse`, undefined, shownBy(token));
}

function isAsSaid({ purpose, document, digests }, asked) {
  const { receipt, notice, recipients, assurance } = document;
  const { purposes } = receipt.piiProcessing;
  return (
    purposes.length === 1 &&
    purposes[0].purpose === purpose &&
    isSame(notice, asked.notice) &&
    isSame(recipients, asked.recipients) &&
    digests[assurance] === toHex(digestOfJson(document))
  );
}

function isSame(one, other) {
  return canonicalise(one) === canonicalise(other);
}

function shownBy(token) {
  return { "Request-Token": token };
}
