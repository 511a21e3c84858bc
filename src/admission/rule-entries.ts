/** Entries of a file of access rules, packed: a list may have 100,000 of them. */
export interface RuleEntries {
  /** First and last address of each entry, 16 bytes each; IPv4 as ::ffff:a.b.c.d. */
  readonly bounds: Uint8Array
  /** The line of each entry, counted from 1. */
  readonly lines: Int32Array
}
