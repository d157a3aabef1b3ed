/** How bytes are written: base64, base64url, hexadecimal. RFC 4648. */

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

export function utf8(text: string): Bytes {
  return new Uint8Array(encoder.encode(text));
}

export function base64(bytes: ArrayBuffer | Bytes): string {
  return btoa(String.fromCharCode(...new Uint8Array(bytes)));
}

/** Without padding, as keys, nonces and proofs of possession are written. */
export function base64url(bytes: ArrayBuffer | Bytes): string {
  return base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** `undefined` for anything but the one canonical spelling. */
export function fromBase64(text: string): Bytes | undefined {
  const bytes = decoded(text);
  return bytes !== undefined && base64(bytes) === text ? bytes : undefined;
}

export function fromBase64url(text: string): Bytes | undefined {
  const padding = "=".repeat((4 - (text.length % 4)) % 4);
  const bytes = decoded(text.replaceAll("-", "+").replaceAll("_", "/") + padding);
  return bytes !== undefined && base64url(bytes) === text ? bytes : undefined;
}

function decoded(text: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}

export function hex(bytes: ArrayBuffer | Bytes): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
