/** IP addresses and blocks of them. An IPv4-mapped IPv6 address is the IPv4 address inside it, everywhere. */

/** 4 or 16 bytes. */
export type Address = readonly number[];

export interface Block {
  readonly address: Address;
  /** Leading bits that count. */
  readonly prefix: number;
}

const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

export function address(text: string): Address | undefined {
  const bytes = text.includes(":") ? v6(text) : v4(text);
  return bytes && isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** `203.0.113.0/24`, `2001:db8::/32`, or one address, which is a block of one. */
export function block(text: string): Block | undefined {
  const [host = "", bits, ...more] = text.split("/");
  const bytes = host.includes(":") ? v6(host) : v4(host);
  if (bytes === undefined || more.length > 0) return undefined;
  const most = bytes.length * 8;
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
  if (!(prefix <= most)) return undefined;
  return isMapped(bytes) && prefix >= 96
    ? { address: bytes.slice(12), prefix: prefix - 96 }
    : { address: bytes, prefix };
}

export function contains({ address: own, prefix }: Block, other: Address): boolean {
  if (own.length !== other.length) return false;
  return own.every((byte, at) => {
    const bits = Math.min(Math.max(prefix - at * 8, 0), 8);
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === ((other[at] ?? 0) & mask);
  });
}

function isMapped(bytes: Address): boolean {
  return bytes.length === 16 && MAPPED.every((byte, at) => bytes[at] === byte);
}

function v4(text: string): number[] | undefined {
  const parts = text.split(".");
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : Number.NaN));
  return bytes.length === 4 && bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

/** RFC 4291 §2.2, the last 32 bits in either notation. */
function v6(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [front, back] = [groups(halves[0] ?? "", halves.length === 1), groups(halves[1] ?? "", true)];
  if (front === undefined || back === undefined) return undefined;
  const missing = 16 - front.length - back.length;
  const fits = halves.length === 2 ? missing >= 2 : missing === 0;
  return fits ? [...front, ...Array<number>(missing).fill(0), ...back] : undefined;
}

function groups(text: string, mayEndAsV4: boolean): number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const bytes: number[] = [];
  for (const [at, part] of parts.entries()) {
    const quad = mayEndAsV4 && at === parts.length - 1 && part.includes(".") ? v4(part) : undefined;
    if (quad !== undefined) bytes.push(...quad);
    else if (/^[0-9a-f]{1,4}$/i.test(part))
      bytes.push(Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}
