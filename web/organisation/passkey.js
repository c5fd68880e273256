// How does a passkey sign in, and how is one made? WebAuthn level 3, which reads and writes JSON.

import { tell } from "../node_api.js";
import { PageProblem } from "../problems.js";

/** A session of the person whose passkey answers. */
export async function signInByPasskey() {
  requirePasskeys();
  const asked = await tell("/v1/sign-in/passkey/challenge");
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
  const credential = await answering(navigator.credentials.get({ publicKey }));
  return tell("/v1/sign-in/passkey", { credential: credential.toJSON() });
}

/** Makes a passkey for somebody who is invited; the session of whoever has joined by it. */
export async function joinByPasskey(invitation) {
  requirePasskeys();
  const asked = await tell("/v1/sign-in/passkey/registration-challenge", { invitation });
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked);
  const credential = await answering(navigator.credentials.create({ publicKey }));
  return tell("/v1/sign-in/passkey/registration", { invitation, credential: credential.toJSON() });
}

function requirePasskeys() {
  if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
    throw new PageProblem("passkeyUnable");
  }
}

async function answering(asked) {
  try {
    return await asked;
  } catch (error) {
    if (error?.name === "NotAllowedError") throw new PageProblem("passkeyDeclined");
    throw new PageProblem("passkeyFailed", { detail: String(error?.message ?? error) });
  }
}
