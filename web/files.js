// How does a page give a file to its reader? Made here, saved by the browser, sent to nobody.

import { element } from "./dom.js";

const KEPT_MS = 60_000;

/** Lets the browser save a text, or a Blob, as a file. */
export function saveFile(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), KEPT_MS);
}
