// Which of several tabs takes the next one-time key? One after the other: who answers holds the
// turn until the node has the answer, so that no key is ever in two consents.

/** Waits until no other tab of this browser answers with keys of this operator; resolves with what
 * gives the turn back. It also ends with the page. */
export function takeTurn(operatorId) {
  return new Promise((resolve, reject) => {
    const turn = () => new Promise((giveBack) => resolve(giveBack));
    navigator.locks.request(`one-time keys of ${operatorId}`, turn).catch(reject);
  });
}
