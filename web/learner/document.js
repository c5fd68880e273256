// What does the document of a consent say, in the words of its receipt?

/** What the consent is for. */
export function purposeOf(document) {
  return document.receipt.piiProcessing.purposes[0].purpose;
}

/** Which data it is about, by name. */
export function dataOf(document) {
  const data = document.receipt.piiProcessing.purposes[0].piiInformation ?? [];
  return data.map(({ piiType, piiAttributeId }) => piiType ?? piiAttributeId).filter(Boolean);
}
