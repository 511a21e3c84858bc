/**
 * The ranges of addresses of countries and autonomous systems, as in `RuleEntries`, by `DE` or `AS64500`. It has those that
 * rules name.
 */
export type GeoNetworks = ReadonlyMap<string, Uint8Array>
