/**
 * Files that access rules name (`permit file`, `deny file`, `geo file`): read again when they change, without a reload.
 */

import type { GeoNetworks } from '../../admission/geo-networks.js'
import type { RuleEntries } from '../../admission/rule-entries.js'
import type { AccessPlan } from '../../admission/rule-list-plan.js'
import type { AccessRule } from '../../config/access-rule.js'
import { readRuleFile } from '../../config/rule-file.js'
import { cannotRead, type Sources } from '../../config/sources.js'
import type { Boundary } from '../../observe/boundary.js'
import { ERR, INFO } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import { accessPlan, type GivenLists } from '../../plan/compile/admission-plan.js'
import { fileSources } from '../../plan/load/file-sources.js'
import { geoNetworksOf, joined, wantedOrigins } from '../../plan/load/geo-loading.js'
import { firstPorts, listsOfRules } from '../../plan/load/lists-of-rules.js'
import type { Loaded } from '../../plan/load/load.js'
import { type FileStamp, FileWatch, stampOf } from '../../services/file-watch.js'

/** A change takes effect after one to two intervals. Shorter than for certificates, because denied clients may be attackers. */
const POLL_EVERY_MS = 500

export interface RuleFilesParts {
  readonly say: Say
  readonly boundary: Boundary
  /** The file system unless a test says otherwise. */
  readonly sources?: Sources
  /** The rules of this configuration have changed. */
  onAccess(of: Loaded, access: AccessPlan): void
}

/** Watches the files of one configuration, that of the generation in force. */
export class RuleFiles {
  readonly #parts: RuleFilesParts
  readonly #sources: Sources
  readonly #watch: FileWatch
  #loaded: Loaded | undefined
  /** By file, the entries in force. */
  readonly #entries = new Map<string, RuleEntries>()
  /** By `geo file`, its networks in force. */
  readonly #geo = new Map<string, GeoNetworks>()
  /** Stamps of the files when they were read last. */
  #stamps = new Map<string, FileStamp>()
  /** Undefined: no file has changed since `#loaded` was read. */
  #access: AccessPlan | undefined

  constructor(parts: RuleFilesParts) {
    this.#parts = parts
    this.#sources = parts.sources ?? fileSources
    this.#watch = new FileWatch(() => this.#readChanged(), parts.boundary)
  }

  /** Watches the files of this configuration from now on. `everyMs`: other than the default only in tests. */
  follow(loaded: Loaded, everyMs = POLL_EVERY_MS): void {
    // The next generation of the same configuration.
    if (loaded === this.#loaded) return
    this.#loaded = loaded
    this.#access = undefined
    this.#entries.clear()
    this.#geo.clear()
    for (const { accessRules } of listsOfRules(loaded))
      for (const rule of accessRules) if ('file' in rule) this.#entries.set(rule.file, rule.entries)
    for (const [file, networks] of loaded.geo.files) this.#geo.set(file, networks)
    const files = [...this.#entries.keys(), ...this.#geo.keys()]
    this.#stamps = new Map(files.map((file) => [file, loaded.stamps.get(file) ?? '']))
    this.#watch.watch(this.#stamps, everyMs)
  }

  /** What another generation of this configuration begins with; undefined: the rules of its plan. */
  accessOf(loaded: Loaded): AccessPlan | undefined {
    return loaded === this.#loaded ? this.#access : undefined
  }

  close(): void {
    this.#watch.close()
  }

  #readChanged(): void {
    const loaded = this.#loaded
    if (loaded === undefined) return
    const changed = [...this.#stamps.keys()].filter((file) => this.#hasChanged(file, loaded))
    if (changed.length === 0) return
    this.#access = accessPlan(this.#given(loaded))
    this.#parts.onAccess(loaded, this.#access)
    for (const file of changed)
      this.#parts.say(INFO, `access rules: ${file} has changed: ${inForce(this.#contentOf(file))}`)
  }

  /** Reads the file if it is another one. True: it has other contents, which can be used. */
  #hasChanged(file: string, loaded: Loaded): boolean {
    const stamp = stampOf(file)
    if (stamp === this.#stamps.get(file)) return false
    const why = this.#geo.has(file) ? this.#readGeo(file, stamp, loaded) : this.#readEntries(file, stamp)
    if (why === UNFINISHED) return false
    this.#stamps.set(file, stamp)
    if (why === undefined) return true
    this.#parts.say(ERR, `access rules: ${why}: the previous ${previous(this.#contentOf(file))} in force`)
    return false
  }

  /** Why it cannot be used; undefined: its entries are in force. */
  #readEntries(file: string, stamp: FileStamp): string | undefined {
    const answer = this.#sources.read(file)
    if (stampOf(file) !== stamp) return UNFINISHED
    if (!answer.ok) return cannotRead(file, answer.code, this.#sources)
    const { entries, mistakes } = readRuleFile(answer.bytes)
    const [first] = mistakes
    if (first === undefined) {
      this.#entries.set(file, entries)
      return undefined
    }
    const { column, line, message } = first
    const others = mistakes.length === 1 ? '' : `, and ${mistakes.length - 1} more`
    return `${file}:${line}:${column}: ${message}${others}`
  }

  /** The same for its networks. */
  #readGeo(file: string, stamp: FileStamp, loaded: Loaded): string | undefined {
    const found = geoNetworksOf(file, wantedOrigins(loaded), this.#sources)
    if (stampOf(file) !== stamp) return UNFINISHED
    if (typeof found === 'string') return found
    this.#geo.set(file, found)
    return undefined
  }

  /** The rules with the entries in force. */
  #given({ spawnd, tcprelay }: Loaded): GivenLists {
    const present = <L extends { readonly accessRules: readonly AccessRule[] }>(list: L): L => ({
      ...list,
      accessRules: list.accessRules.map((rule) =>
        'file' in rule ? { ...rule, entries: this.#entries.get(rule.file) ?? rule.entries } : rule,
      ),
    })
    const listeners = firstPorts(spawnd.listeners).map(present)
    return {
      geo: joined(this.#geo.values()),
      spawnd: { ...present(spawnd), listeners },
      tcprelay: { routes: tcprelay.routes.map(present) },
    }
  }

  #contentOf(file: string): Content {
    const networks = this.#geo.get(file)
    if (networks === undefined) return { count: this.#entries.get(file)?.lines.length ?? 0, of: 'entry' }
    const byteCount = [...networks.values()].reduce((sum, { length }) => sum + length, 0)
    return { count: byteCount / RANGE_BYTES, of: 'range' }
  }
}

/** The file is being written: the next polls see another change. */
const UNFINISHED = 'unfinished'

/** First and last address. */
const RANGE_BYTES = 32

/** What rules use of a file. */
interface Content {
  readonly count: number
  readonly of: 'entry' | 'range'
}

const SEVERAL = { entry: 'entries', range: 'ranges' } as const

function inForce({ count, of }: Content): string {
  return count === 1 ? `1 ${of} is in force` : `${count} ${SEVERAL[of]} are in force`
}

function previous({ count, of }: Content): string {
  return `${SEVERAL[of]} (${count}) stay`
}
