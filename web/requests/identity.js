// How does a learner prove who they are? By an identity file, which holds the key of a DID, and a
// credential about that DID by somebody other than the organisation that asks.

import { byId, onPress, onSubmit } from "../dom.js";
import { saveFile } from "../files.js";
import { makeIdentityFile, openIdentity } from "../learner/identity_file.js";
import { PASSPHRASE_LENGTH_MIN } from "../learner/locked_file.js";
import { PageProblem } from "../problems.js";
import { announce, attempt } from "../progress.js";
import { isDidKey, readCredential } from "../protocol/identities.js";
import { organisationId } from "../protocol/typed_data.js";
import { say } from "../texts.js";

/** Makes the step "identity" work. `useIdentity({bind})` gets what can sign for a holder's key. */
export function offerIdentities(readAsked, useIdentity) {
  onSubmit(byId("identity-form"), () => attempt(async () => useIdentity(await open(readAsked()))));
  onSubmit(byId("identity-make"), () => attempt(make));
  onPress(byId("identity-copy"), () =>
    attempt(() => navigator.clipboard.writeText(byId("identity-did").textContent)),
  );
}

async function open({ asking }) {
  const [file] = byId("identity-file").files;
  const [credentialFile] = byId("identity-credential").files;
  if (!file || !credentialFile) throw new PageProblem("identityMissing");
  const token = (await credentialFile.text()).trim();
  const credential = readCredential(token);
  if (credential === null) throw new PageProblem("credentialUnreadable");
  announce(say("file.opening"));
  const identity = await openIdentity(await file.text(), byId("identity-passphrase").value);
  if (credential.subject !== identity.did) {
    throw new PageProblem("credentialOfAnother", { subject: credential.subject });
  }
  const isOfAsker = organisationId(credential.issuer) === asking.organisationId.toLowerCase();
  if (isOfAsker) throw new PageProblem("credentialByAsker");
  if (!isDidKey(credential.issuer)) {
    throw new PageProblem("credentialUncheckable", { issuer: credential.issuer });
  }
  byId("identity-form").reset();
  return {
    bind: async (digest) => ({
      did: identity.did,
      signature: await identity.sign(digest),
      credential: token,
    }),
  };
}

async function make() {
  const passphrase = byId("identity-new-passphrase").value;
  if (passphrase.length < PASSPHRASE_LENGTH_MIN) {
    throw new PageProblem("passphraseShort", { length: PASSPHRASE_LENGTH_MIN });
  }
  announce(say("file.making"));
  const { text, did } = await makeIdentityFile(passphrase);
  saveFile(say("identity.fileName"), text, "application/json");
  byId("identity-make").reset();
  byId("identity-did").textContent = did;
  byId("identity-made").hidden = false;
  byId("identity-made").focus();
  announce(say("identity.made"));
}
