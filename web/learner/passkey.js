// Can a passkey be the seed? Yes, where the authenticator evaluates a pseudo-random function (the
// PRF extension of WebAuthn level 3). Nothing of it is sent to the node, and nothing is registered.

import {
  browserSupportsWebAuthn,
  bufferToBase64URLString,
  startAuthentication,
  startRegistration,
} from "@simplewebauthn/browser";

import { passkeySalt } from "../protocol/holder_keys.js";
import { PageProblem } from "../problems.js";

const ES256 = -7;
const RS256 = -257;
const SEED_LENGTH = 32;
/** Browsers take no passkeys at an address that is no name. */
const IP_ADDRESS = /^[\d.]+$|:/;
/** With and without user verification an authenticator evaluates two different functions. */
const VERIFIED = "required";

/** Whether this browser has passkeys at this address at all. */
export function canUsePasskeys() {
  return browserSupportsWebAuthn() && !IP_ADDRESS.test(location.hostname);
}

/** The seed, 32 bytes, of the passkey that the learner chooses. Throws PageProblem. */
export function seedOfPasskey(operator, allowCredentials) {
  return inWordsOfPasskeys(async () => {
    const extensions = { prf: { eval: { first: saltOf(operator) } } };
    const asked = {
      rpId: operator.passkeyDomain,
      challenge: random(),
      userVerification: VERIFIED,
      extensions,
      allowCredentials,
    };
    const { clientExtensionResults } = await startAuthentication({ optionsJSON: asked });
    const seed = seedIn(clientExtensionResults);
    if (seed === null) throw new PageProblem("passkeyWithoutPrf");
    return seed;
  });
}

/** The seed of a new passkey that the authenticator shows by this name. Throws PageProblem.
 *
 * Its user id is random: a second passkey under the same one would replace the first, and with it
 * the only way to its keys.
 */
export function makePasskey(operator, name) {
  return inWordsOfPasskeys(async () => {
    const { id, clientExtensionResults } = await startRegistration({
      optionsJSON: {
        challenge: random(),
        rp: { id: operator.passkeyDomain, name: operator.passkeyDomain },
        user: { id: random(), name, displayName: name },
        pubKeyCredParams: [ES256, RS256].map((alg) => ({ type: "public-key", alg })),
        authenticatorSelection: { residentKey: "required", userVerification: VERIFIED },
        attestation: "none",
        extensions: { prf: { eval: { first: saltOf(operator) } } },
      },
    });
    const seed = seedIn(clientExtensionResults);
    if (seed !== null) return seed;
    if (!clientExtensionResults.prf?.enabled) {
      await takeBack(operator.passkeyDomain, id);
      throw new PageProblem("passkeyWithoutPrf");
    }
    return seedOfNew(operator, id);
  });
}

/** Most authenticators evaluate only what exists already; some browsers want another press. */
async function seedOfNew(operator, id) {
  try {
    return await seedOfPasskey(operator, [{ type: "public-key", id }]);
  } catch (error) {
    throw error.name === "passkeyDeclined" ? new PageProblem("passkeyMade") : error;
  }
}

function saltOf({ chainId, id }) {
  return passkeySalt(chainId, id);
}

function seedIn({ prf }) {
  const first = prf?.results?.first;
  if (first?.byteLength !== SEED_LENGTH) return null;
  return new Uint8Array(first);
}

/** Asks the authenticator to drop a passkey that serves for nothing; it may not know how. */
async function takeBack(rpId, credentialId) {
  const signal = { rpId, credentialId };
  await PublicKeyCredential.signalUnknownCredential?.(signal)?.catch(() => undefined);
}

async function inWordsOfPasskeys(act) {
  try {
    return await act();
  } catch (error) {
    if (error instanceof PageProblem) throw error;
    if (error.name === "NotAllowedError" || error.name === "AbortError") {
      throw new PageProblem("passkeyDeclined");
    }
    throw new PageProblem("passkeyFailed", { detail: error.message });
  }
}

function random() {
  return bufferToBase64URLString(crypto.getRandomValues(new Uint8Array(SEED_LENGTH)));
}
