/**
 * API keys: their form, and the hash under which they are looked up (crates/decision/src/api_key.rs).
 *
 * `csk_`, 22 or more digits of base62, and six of a checksum: so a mistyped key is told from an unknown one without
 * a look-up. Imported keys keep their own form. The raw key is hashed here and goes no further.
 */

import { hex, utf8 } from "./bytes";
import { API_KEY } from "./limits";
import { bad, good, type Result } from "./reasons";

const OURS = /^(csk_[0-9A-Za-z]{22,})([0-9A-Za-z]{6})$/;
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** SHA-256 of a raw key of good form, in lower-case hexadecimal digits. */
export async function keyHash(raw: string): Promise<Result<string>> {
  if (raw.length < API_KEY.least || raw.length > API_KEY.most || !/^[!-~]*$/.test(raw)) return bad("key_malformed");
  if (raw.startsWith("csk_")) {
    const [, key, checksum] = OURS.exec(raw) ?? [];
    if (key === undefined || (await checksumOf(key)) !== checksum) return bad("key_malformed");
  }
  return good(hex(await sha256(raw)));
}

/** The first 32 bits of SHA-256 over all before it, as six digits. */
async function checksumOf(key: string): Promise<string> {
  let value = new DataView(await sha256(key)).getUint32(0);
  let digits = "";
  for (let place = 0; place < 6; place++) {
    digits = BASE62.charAt(value % 62) + digits;
    value = Math.floor(value / 62);
  }
  return digits;
}

function sha256(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", utf8(text));
}
