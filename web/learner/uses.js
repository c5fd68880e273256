// Who used data behind a consent, and when? As far as the node that is asked has recorded it.

import { element } from "../dom.js";
import { say, sayTime } from "../texts.js";

const SHOWN_MAX = 50;

/** The uses of each consent, by its leaf, the newest first. */
export function usesByLeaf(uses) {
  const found = new Map();
  for (const use of uses) found.set(use.leaf, [use, ...(found.get(use.leaf) ?? [])]);
  return found;
}

/** Those of one consent, as a table to open. */
export function usesOf(uses, purpose, open) {
  if (uses.length === 0) return element("p", { className: "small" }, say("uses.none"));
  const rows = uses.slice(0, SHOWN_MAX).map(({ usedBy, usedByDid, usedAt }) => {
    const who = element("code", {}, usedByDid ?? usedBy);
    return element(
      "tr",
      {},
      element("td", {}, sayTime(usedAt)),
      element("th", { scope: "row" }, who),
    );
  });
  const head = [say("uses.when"), say("uses.who")].map((column) =>
    element("th", { scope: "col" }, column),
  );
  const left = uses.length - rows.length;
  return element(
    "details",
    { className: "uses", open },
    element("summary", {}, say("uses.summary", { count: uses.length })),
    element(
      "table",
      {},
      element("caption", {}, say("uses.caption", { purpose })),
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    ),
    left > 0 ? element("p", { className: "small" }, say("uses.more", { count: left })) : null,
  );
}
