let last = 0

/** A name for a Unix socket that nobody else on the machine has, as the configuration writes it. */
export function freshName(): string {
  return `@tcprelay-test-${process.pid}-${++last}`
}

/** The same as Node's sockets take it. */
export function pathOf(name: string): string {
  return name.replace('@', '\0')
}
