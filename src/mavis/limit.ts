import { parseHostLiteral } from '../base/address.js'
import { BoundedTable } from '../base/bounded-table.js'
import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { type Code, DOWN, FINAL, type Module, type ModuleServices, NAK, type Query } from './module.js'
import type { LimitSettings } from './settings.js'

/**
 * Module `limit`: denies addresses that were denied too often. Its own denials count as well, so an address that keeps
 * trying stays blacklisted.
 */
export class Limit implements Module {
  readonly #settings: LimitSettings
  readonly #services: ModuleServices
  /** Denials by address. */
  readonly #refusals: BoundedTable<number>

  constructor(settings: LimitSettings, services: ModuleServices) {
    this.#settings = settings
    this.#services = services
    this.#refusals = new BoundedTable(settings.purgePeriodMs)
  }

  ask({ values }: Query, answer: (code: Code) => void): void {
    const address = addressOf(values[AV.IPADDR])
    const nowMs = this.#services.nowMs()
    const entry = address === undefined ? undefined : this.#refusals.get(address, nowMs)
    if (this.#settings.count === 0 || entry === undefined || entry.value < this.#settings.count) {
      answer(DOWN)
      return
    }
    values[AV.RESULT] = NAK
    values[AV.COMMENT] = `client ip blacklisted for ${Math.ceil((entry.expiresAtMs - nowMs) / 1_000)} seconds`
    answer(FINAL)
  }

  review({ values }: Query): typeof FINAL {
    const type = values[AV.TYPE]
    // As in the original, only denials of a user count; NFD is none.
    const isCounted =
      values[AV.RESULT] === NAK && values[AV.USER] !== undefined && (type === 'TACPLUS' || type === 'FTP')
    const address = isCounted && this.#settings.count > 0 ? addressOf(values[AV.IPADDR]) : undefined
    if (address !== undefined) {
      const nowMs = this.#services.nowMs()
      const before = this.#refusals.get(address, nowMs)?.value ?? 0
      // Each denial starts the period anew.
      this.#refusals.set(address, before + 1, nowMs + this.#settings.timeMs)
    }
    return FINAL
  }
}

/** The canonical form of an address, which a helper may write differently. Undefined for clients of Unix sockets. */
function addressOf(value: ByteString | undefined): string | undefined {
  return value === undefined ? undefined : parseHostLiteral(value)?.host
}
