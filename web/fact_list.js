// How are facts listed? As terms and values; identifiers in letters of one width, links as links.

import { element } from "./dom.js";

const IDENTIFIER = /^(did:|0x)/;

/** A list of [term, value or values]; what has no value is left out. */
export function factList(rows) {
  const made = element("dl");
  for (const [term, value] of rows) {
    const values = (Array.isArray(value) ? value : [value]).filter(
      (each) => each !== null && each !== undefined && each !== "",
    );
    if (values.length === 0) continue;
    if (term) made.append(element("dt", {}, term));
    made.append(...values.map((each) => element("dd", {}, shown(each))));
  }
  return made;
}

function shown(value) {
  if (value instanceof Node) return value;
  const text = String(value);
  return IDENTIFIER.test(text) ? element("code", {}, text) : text;
}
