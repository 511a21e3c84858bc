/**
 * Files that access rules name (`permit file`, `deny file`, `geo file`): read again when they change, without a reload.
 */
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
    for (const rule of rulesOf(loaded)) if ('file' in rule) this.#entries.set(rule.file, rule.entries)
    const files = [...this.#entries.keys()]
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
    const changed = [...this.#stamps.keys()].filter((file) => this.#hasChanged(file))
    if (loaded === undefined || changed.length === 0) return
    this.#access = accessPlan(this.#given(loaded))
    this.#parts.onAccess(loaded, this.#access)
    for (const file of changed)
      this.#parts.say(INFO, `access rules: ${file} has changed: ${inForce(this.#countIn(file))}`)
  }

  /** Reads the file if it is another one. True: it has other entries, which can be used. */
  #hasChanged(file: string): boolean {
    const stamp = stampOf(file)
    if (stamp === this.#stamps.get(file)) return false
    const answer = this.#sources.read(file)
    // It is being written: the next polls see another change.
    if (stampOf(file) !== stamp) return false
    this.#stamps.set(file, stamp)
    if (!answer.ok) return this.#keepOld(file, cannotRead(file, answer.code, this.#sources))
    const { entries, mistakes } = readRuleFile(answer.bytes)
    const [first] = mistakes
    if (first !== undefined) {
      const { column, line, message } = first
      const others = mistakes.length === 1 ? '' : `, and ${mistakes.length - 1} more`
      return this.#keepOld(file, `${file}:${line}:${column}: ${message}${others}`)
    }
    this.#entries.set(file, entries)
    return true
  }

  /** The rules with the entries in force. */
  #given({ geo, spawnd, tcprelay }: Loaded): GivenLists {
    const present = <L extends { readonly accessRules: readonly AccessRule[] }>(list: L): L => ({
      ...list,
      accessRules: list.accessRules.map((rule) =>
        'file' in rule ? { ...rule, entries: this.#entries.get(rule.file) ?? rule.entries } : rule,
      ),
    })
    const listeners = spawnd.listeners.filter(isFirstPort).map(present)
    return {
      geo,
      spawnd: { ...present(spawnd), listeners },
      tcprelay: { routes: tcprelay.routes.map(present) },
    }
  }

  #keepOld(file: string, why: string): false {
    this.#parts.say(ERR, `access rules: ${why}: the previous entries (${this.#countIn(file)}) stay in force`)
    return false
  }

  #countIn(file: string): number {
    return this.#entries.get(file)?.lines.length ?? 0
  }
}

/** The ports of a block have the same rules. */
function isFirstPort({ portIndex }: { readonly portIndex: number }): boolean {
  return portIndex === 0
}

function rulesOf({ spawnd, tcprelay }: Loaded): readonly AccessRule[] {
  const lists = [spawnd, ...spawnd.listeners.filter(isFirstPort), ...tcprelay.routes]
  return lists.flatMap(({ accessRules }) => accessRules)
}

function inForce(count: number): string {
  return count === 1 ? '1 entry is in force' : `${count} entries are in force`
}
