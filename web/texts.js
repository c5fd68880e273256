// In which words does the page speak? All texts are in web/texts/<language>.json; the server's
// templates read the same file. Another language is another file, one line here and one there.

import en from "./texts/en.json";
import fr from "./texts/fr.json";

const LANGUAGES = { en, fr };
const texts = LANGUAGES[document.documentElement.lang] ?? en;
const plurals = new Intl.PluralRules(texts.locale);
const moment = new Intl.DateTimeFormat(texts.locale, {
  day: "numeric",
  month: "long",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  timeZoneName: "short",
});
const listing = new Intl.ListFormat(texts.locale, { type: "unit" });
const TIME_MAX = 8_640_000_000_000n;

/** The text at a path like "wallet.title", with {names} filled in; null if there is none. */
export function find(path, values = {}) {
  let text = path.split(".").reduce((part, name) => part?.[name], texts);
  if (text && typeof text === "object")
    text = text[plurals.select(values.count ?? 0)] ?? text.other;
  if (typeof text !== "string") return null;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

/** The text at a path; a path without text is a mistake of ours. */
export function say(path, values) {
  const text = find(path, values);
  if (text === null) throw new Error(`no text for ${path}`);
  return text;
}

/** A time in Unix seconds, number or BigInt, in words; null beyond what a calendar shows. */
export function sayTime(seconds) {
  const whole = BigInt(seconds);
  return whole > TIME_MAX ? null : moment.format(new Date(Number(whole) * 1000));
}

/** Names one after the other, as the language separates them; null if there are none. */
export function sayList(names) {
  return names.length === 0 ? null : listing.format(names);
}
