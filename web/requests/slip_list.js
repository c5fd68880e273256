// What does the learner take away? A withdrawal slip for each consent, as file and as QR code.

import { byId, element, onPress } from "../dom.js";
import { saveFile } from "../files.js";
import { purposeOf } from "../learner/document.js";
import { toHex } from "../protocol/bytes.js";
import { qrCode } from "../qr_code.js";
import { say } from "../texts.js";

/** Shows the slips of what was granted: [{record, leaf, slip}]. Where a wallet's own address holds,
 * there are none. */
export function showSlips(signed) {
  const withSlips = signed.filter(({ slip }) => slip !== null);
  byId("slips-some").hidden = withSlips.length === 0;
  byId("slips-none").hidden = withSlips.length > 0;
  byId("slips").replaceChildren(...withSlips.map(slipCard));
}

/** One slip: its code, its file. */
export function slipCard({ record, leaf, slip }) {
  const purpose = purposeOf(record.document);
  const text = toHex(slip);
  const name = leaf.slice(2, 18);
  const save = element("button", { type: "button", className: "quiet" }, say("slips.save"));
  save.setAttribute("aria-label", say("slips.saveThis", { purpose }));
  onPress(save, async () => saveFile(`${name}.slip`, `${text}\n`, "text/plain"));
  const heading = element("h3", { id: `slip-${name}` }, purpose);
  return element(
    "li",
    { className: "slip", "aria-labelledby": heading.id },
    qrCode(text, say("slips.code", { purpose })),
    element("div", {}, heading, element("p", {}, say("slips.bearer")), save),
  );
}
