/** Parses files of access rules: an address, a network or a range per line. */
import type { RuleEntries } from '../admission/rule-entries.js'
import { type AddressRange, parseNetwork, rangeOf } from '../base/cidr.js'
import { Refusal, refuseText } from './expectation.js'
import { refuseNetwork } from './refuse-network.js'

/** A mistake in a file of rules; line and column are counted from 1. */
export interface RuleFileMistake {
  readonly line: number
  readonly column: number
  readonly message: string
  readonly hint: string | undefined
}

export interface RuleFile {
  readonly entries: RuleEntries
  /** Empty: the entries can be used. */
  readonly mistakes: readonly RuleFileMistake[]
}

/** As many as `Problems` shows. */
const MISTAKES_MAX = 50

/** `;` begins a comment in the lists of Spamhaus. */
const COMMENT = /[#;].*/

/** Of an address. */
const BYTES = 16

const WANTED = "an IP address, a network in CIDR notation or a range 'FIRST - LAST'"

export function readRuleFile(bytes: Uint8Array): RuleFile {
  const all = new TextDecoder().decode(bytes).split('\n')
  // Packed at once: 100,000 ranges as objects cost the process 60 MiB.
  const bounds = new Uint8Array(all.length * 2 * BYTES)
  const lines: number[] = []
  const mistakes: RuleFileMistake[] = []
  for (const [index, line] of all.entries()) {
    const text = line.replace(COMMENT, '').trim()
    if (text === '') continue
    const entry = readEntry(text)
    if (entry instanceof Refusal) {
      const { hint, message } = entry
      mistakes.push({ line: index + 1, column: line.indexOf(text) + 1, message, hint })
      if (mistakes.length === MISTAKES_MAX) break
    } else {
      bounds.set(entry.first, lines.length * 2 * BYTES)
      bounds.set(entry.last, (lines.length * 2 + 1) * BYTES)
      lines.push(index + 1)
    }
  }
  const entries = { bounds: bounds.slice(0, lines.length * 2 * BYTES), lines: Int32Array.from(lines) }
  return { entries, mistakes }
}

function readEntry(text: string): AddressRange | Refusal {
  const dash = text.indexOf('-')
  if (dash < 0) return rangeIn(text) ?? refuseNetwork(text, WANTED)
  const [from, to] = [text.slice(0, dash).trim(), text.slice(dash + 1).trim()]
  const [first, last] = [hostIn(from), hostIn(to)]
  if (first === undefined || last === undefined) return refuseText(WANTED, text)
  if (from.includes(':') !== to.includes(':')) return refuseText('a range of addresses of one family', text)
  if (Buffer.compare(first, last) > 0)
    return refuseText('a range that ends at or after its first address', text)
  return { first, last }
}

function rangeIn(text: string): AddressRange | undefined {
  const network = parseNetwork(text)
  return network && rangeOf(network)
}

/** A single address: the network of all its bits. */
function hostIn(text: string): Uint8Array | undefined {
  return text.includes('/') ? undefined : parseNetwork(text)?.bytes
}
