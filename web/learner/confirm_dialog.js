// Is the learner sure? One dialogue before what cannot be undone, which says so.

import { byId } from "../dom.js";

/** Asks in the dialogue with this name; true if the learner confirms. Escape and the other button
 * mean no, and a second press is moot. */
export function confirmIn(name) {
  const dialog = byId(`${name}-dialog`);
  const confirm = byId(`${name}-confirm`);
  const keep = byId(`${name}-keep`);
  return new Promise((resolve) => {
    let isSure = false;
    const say = (answer) => () => {
      isSure = answer;
      dialog.close();
    };
    const onConfirm = say(true);
    const onKeep = say(false);
    confirm.addEventListener("click", onConfirm);
    keep.addEventListener("click", onKeep);
    dialog.addEventListener(
      "close",
      () => {
        confirm.removeEventListener("click", onConfirm);
        keep.removeEventListener("click", onKeep);
        resolve(isSure);
      },
      { once: true },
    );
    dialog.showModal();
    keep.focus();
  });
}
