// Is the learner sure? One dialogue before each withdrawal, which says that it is for good.

import { byId } from "../dom.js";

/** Asks; true if the learner confirms. Escape and "Keep it" mean no, and a second press is moot. */
export function confirmWithdrawal(purpose) {
  const dialog = byId("withdraw-dialog");
  const confirm = byId("withdraw-confirm");
  const keep = byId("withdraw-keep");
  byId("withdraw-purpose").textContent = purpose;
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
