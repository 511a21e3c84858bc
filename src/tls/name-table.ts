/** A host name, or `*.` and a host name; letters, digits, hyphens, and underscores, which exist too. */
const HOST_NAME = /^(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/

/** As it is compared: lower case, without the final dot. Undefined: not the name of a host. */
export function hostName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '')
  return name.length <= 253 && HOST_NAME.test(name) ? name : undefined
}

/** What belongs to a host name: exactly, else to the pattern that stands for its first label (RFC 6125). */
export class NameTable<T> {
  readonly #values = new Map<string, T>()

  /** `name` is what `hostName` answered. */
  set(name: string, value: T): void {
    this.#values.set(name, value)
  }

  /** `name` is what a stranger sent. */
  find(name: string): T | undefined {
    const host = name.toLowerCase().replace(/\.$/, '')
    const dot = host.indexOf('.')
    return this.#values.get(host) ?? (dot > 0 ? this.#values.get(`*${host.slice(dot)}`) : undefined)
  }
}
