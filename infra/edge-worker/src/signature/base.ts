/**
 * The signature base: the bytes that are signed (RFC 9421 §2.5). Knows no policy and no key.
 *
 * Components are plain fields and derived components without parameters, which is all that the edge covers.
 */

/** An identifier in lower case, and the value that the message has for it. */
export type Component = readonly [identifier: string, value: string];

/** A parameter's name and its value. Integers are seconds since 1970. */
export type Parameter = readonly [name: string, value: string | number];

/** `("@method" …);created=…;…`: the covered components and the signature's parameters, in this order. */
export function signatureParams(components: readonly Component[], parameters: readonly Parameter[]): string {
  const covered = components.map(([identifier]) => quoted(identifier)).join(" ");
  const stated = parameters.map(([name, value]) => `;${name}=${typeof value === "number" ? value : quoted(value)}`);
  return `(${covered})${stated.join("")}`;
}

/**
 * @param params what `signatureParams` returned, or the same text as it was received.
 * @throws RangeError for a component that is covered twice, or a value that would not be one line of visible ASCII:
 * callers have refused those before, so it is a defect.
 */
export function signatureBase(components: readonly Component[], params: string): string {
  if (new Set(components.map(([identifier]) => identifier)).size !== components.length) {
    throw new RangeError("a component is covered twice");
  }
  const lines = components.map(([identifier, value]) => {
    if (!isFieldText(value)) throw new RangeError(`${identifier} is no field text`);
    return `"${identifier}": ${value}\n`;
  });
  return `${lines.join("")}"@signature-params": ${params}`;
}

/** Visible ASCII, space and tab: what may stand in a line of the base. */
export function isFieldText(text: string): boolean {
  return /^[\t\x20-\x7e]*$/.test(text);
}

/**
 * A string as structured fields write it (RFC 8941 §4.1.6).
 *
 * @throws RangeError for what no such string can hold: anything but printable ASCII.
 */
export function quoted(text: string): string {
  if (!/^[\x20-\x7e]*$/.test(text)) throw new RangeError("no structured string can hold this text");
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
