/**
 * Paths that no deployment lets through, and paths that only the edge's own requests may have: the same rules as
 * the authorizer's (crates/decision/src/path.rs).
 *
 * Judges the text alone, as it is and in every form that a back end could decode it to. RFC 3986 §2.1, §5.2.4.
 * Bytes are characters below U+0100 here, so that text need not be UTF-8.
 */

/** How often a path may be percent-encoded over itself. What still changes then is nobody's path. */
const ENCODINGS = 3;
const INSIDE = ".countersign";

/** Whether a path could mean another one to whoever reads it next: by dot segments or control characters, in any form. */
export function isHostile(path: string): boolean {
  return inAnyForm(path, (form) => hasControl(form) || segments(form).some(isDots));
}

/** Whether a path has a character that means others in a gateway's policies and routes. Only the literal one counts. */
export function isWild(path: string): boolean {
  return /[*?$]/.test(path);
}

/** Whether a path decodes to one with a segment of this name, anywhere. Errs on the side of yes. */
export function isInside(path: string): boolean {
  return inAnyForm(path, (form) => segments(form).some((name) => name.toLowerCase() === INSIDE));
}

/** One round of percent-decoding; what is no escape stays. */
export function percentDecoded(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** The UTF-8 bytes of a text, as characters. */
export function asBytes(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text : Array.from(new TextEncoder().encode(text), toCharacter).join("");
}

/** The text that such bytes are in UTF-8; `undefined` where they are none. */
export function asText(bytes: string): string | undefined {
  if (/^[\0-\x7f]*$/.test(bytes)) return bytes;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return decoder.decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

function toCharacter(byte: number): string {
  return String.fromCharCode(byte);
}

/** Whether `found` holds for the path as it is or after any number of decodings. */
function inAnyForm(path: string, found: (form: string) => boolean): boolean {
  let form = asBytes(path);
  for (let round = 0; round <= ENCODINGS; round++) {
    if (found(form)) return true;
    const decoded = percentDecoded(form);
    if (decoded === form) return false;
    form = decoded;
  }
  return true;
}

/** The names between slashes of either kind, without the `;` parameters that some servers cut off first. */
function segments(path: string): string[] {
  return path.split(/[/\\]/).map((segment) => segment.split(";", 1)[0] ?? "");
}

function isDots(name: string): boolean {
  return name === "." || name === "..";
}

function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
  return /[\0-\x1f\x7f]/.test(text);
}
