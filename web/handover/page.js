// A young person gives the recovery file that a parent or guardian kept a passphrase of their own.
// The same keys, in a new file: nothing is sent, and nothing changes on the ledger.

import { byId, onSubmit } from "../dom.js";
import { saveFile } from "../files.js";
import { PASSPHRASE_LENGTH_MIN } from "../learner/locked_file.js";
import { relockFile } from "../learner/recovery_file.js";
import { PageProblem } from "../problems.js";
import { announce, attempt } from "../progress.js";
import { say } from "../texts.js";

async function relock() {
  const [file] = byId("relock-file").files;
  if (!file) throw new PageProblem("fileMissing");
  const newPassphrase = byId("relock-new").value;
  if (newPassphrase.length < PASSPHRASE_LENGTH_MIN) {
    throw new PageProblem("passphraseShort", { length: PASSPHRASE_LENGTH_MIN });
  }
  announce(say("file.opening"));
  const text = await relockFile(await file.text(), byId("relock-passphrase").value, newPassphrase);
  const day = new Date().toISOString().slice(0, 10);
  saveFile(say("file.name", { day }), text, "application/json");
  byId("relock-form").reset();
  announce(say("handover.relocked"));
}

onSubmit(byId("relock-form"), () => attempt(relock));
window.addEventListener("pagehide", () => byId("relock-form").reset());

byId("without-scripts").remove();
byId("app").hidden = false;
