// How does a learner who answers for the first time come by keys? By a new passkey, or a recovery
// file that they save first and then open: so nobody grants with a file that is not theirs to keep.

import { byId, onPress, onSubmit } from "../dom.js";
import { saveFile } from "../files.js";
import { makePasskey } from "../learner/passkey.js";
import { PASSPHRASE_LENGTH_MIN } from "../learner/locked_file.js";
import { makeRecoveryFile } from "../learner/recovery_file.js";
import { PageProblem } from "../problems.js";
import { announce, attempt } from "../progress.js";
import { say } from "../texts.js";

/** Makes the buttons for new keys work. */
export function offerNewKeys(signIn, operator) {
  onPress(byId("passkey-make"), () =>
    attempt(() => signIn.use(() => makePasskey(operator, passkeyName()))),
  );
  onSubmit(byId("file-make"), () => attempt(() => saveRecoveryFile(operator)));
}

async function saveRecoveryFile(operator) {
  const passphrase = byId("file-new-passphrase").value;
  if (passphrase.length < PASSPHRASE_LENGTH_MIN) {
    throw new PageProblem("passphraseShort", { length: PASSPHRASE_LENGTH_MIN });
  }
  announce(say("file.making"));
  const text = await makeRecoveryFile(passphrase, operator);
  saveFile(say("file.name", { day: today() }), text, "application/json");
  byId("file-open").open = true;
  byId("file-input").focus();
  announce(say("file.made"));
}

/** By its day one tells it from others for the same address. */
function passkeyName() {
  return say("passkey.name", { address: location.hostname, day: today() });
}

function today() {
  return new Date().toISOString().slice(0, 10);
}
