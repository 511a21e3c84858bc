/** Lookup of certificates by server name, with wildcards. */

/**
 * A host name, optionally after `*.`; letters, digits, hyphens, and underscores, which are in use although not valid.
 */
const HOST_NAME = /^(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/

/** The canonical form: lower case, without the final dot. Undefined if it is not a host name. */
export function hostName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '')
  return name.length <= 253 && HOST_NAME.test(name) ? name : undefined
}

/** Maps host names to values: an exact match wins over a wildcard for the first label (RFC 6125, 6.4.3). */
export class NameTable<T> {
  readonly #values = new Map<string, T>()

  /** `name` must be canonical (`hostName`). */
  set(name: string, value: T): void {
    this.#values.set(name, value)
  }

  /** `name` comes from the network and may be any text. */
  find(name: string): T | undefined {
    const host = name.toLowerCase().replace(/\.$/, '')
    // A wildcard stands for exactly one label: `*.example.com` does not match `a.b.example.com`.
    const dot = host.indexOf('.')
    return this.#values.get(host) ?? (dot > 0 ? this.#values.get(`*${host.slice(dot)}`) : undefined)
  }
}
