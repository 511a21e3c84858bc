/** Modules `external` and `external-mt` with test helpers. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'
import { AV } from '../../src/base/mavis-attributes.js'
import { External } from '../../src/mavis/external.js'
import { ExternalMt } from '../../src/mavis/external-mt.js'
import type { Code, Module, ModuleServices, Query } from '../../src/mavis/module.js'
import type {
  CommonModuleSettings,
  ExternalMtSettings,
  ExternalSettings,
  HelperProgram,
} from '../../src/mavis/settings.js'
import { Boundary } from '../../src/observe/boundary.js'
import type { Say } from '../../src/observe/trace.js'
import { afterwards } from './clean-up.js'
import { needs } from './needs.js'
import { childrenOf } from './proc.js'
import { fileOfProject } from './program.js'
import { until, within } from './until.js'
import { variants } from './variants.js'

const FILES = { python3: 'helper.py', perl: 'helper.pl', sh: 'helper.sh' } as const

export type Language = keyof typeof FILES
export const LANGUAGES: readonly Language[] = variants(['perl'], ['sh', 'python3'])

/** Of a test that asks thousands of queries at once: on a busy machine the last one is answered late. */
const ANSWERED_MAX_MS = 60_000

/** The helpers' name in the log. */
export const ARGV0 = 'helper'

const COMMON: CommonModuleSettings = {
  name: 'first',
  position: { file: 'test.cfg', line: 1, column: 1 },
  onError: 'reject',
  onNotFound: 'continue',
  scriptIn: undefined,
  scriptInterim: undefined,
  scriptOut: undefined,
}

export interface ModuleOptions extends Partial<Omit<ExternalSettings, 'module' | 'program'>> {
  readonly environment?: ReadonlyMap<string, string>
  /** `mavis timeout`. */
  readonly patienceMs?: number
  readonly nowMs?: () => number
  /** Takes log lines instead of `log`. */
  readonly say?: Say
}

/** The interpreter's own path: the command found in PATH may be a wrapper script. */
function interpreterOf(language: Language): string {
  const [file, ...words] =
    language === 'python3'
      ? (['python3', '-c', 'import sys; print(sys.executable)'] as const)
      : (['which', language] as const)
  return spawnSync(file, words, { encoding: 'utf8' }).stdout.trim()
}

function programOf(language: Language, file: string, words: readonly string[]): HelperProgram {
  return {
    path: interpreterOf(language),
    words: [ARGV0, fileOfProject(`test/harness/mavis/${file}`), ...words],
    environment: new Map(),
  }
}

/** A module under test with its log lines. */
export class Asked<M extends Module & { readonly pids: number[] }> {
  readonly module: M
  readonly log: string[]
  /** Serials of queries that were answered more than once. */
  readonly #answeredAgain: string[] = []
  #count = 0

  constructor(t: TestContext, open: (services: ModuleServices) => M, options: ModuleOptions) {
    const log: string[] = []
    this.log = log
    afterwards(t, () => {
      assert.deepEqual(childrenOf(process.pid), [], 'helpers are left')
      assert.deepEqual(this.#answeredAgain, [], 'queries were answered twice')
    })
    const say = options.say ?? ((_: number, text: string) => log.push(text))
    this.module = open({
      say,
      boundary: new Boundary(
        (_, text) => log.push(text),
        () => performance.now(),
      ),
      nowMs: options.nowMs ?? (() => performance.now()),
      timeoutMs: options.patienceMs ?? 10_000,
    })
    afterwards(t, () => within('the module to close', this.module.close?.() ?? Promise.resolve()))
  }

  query(user = 'joe'): Query {
    const serial = `serial-${++this.#count}=`
    const values: (string | undefined)[] = []
    for (const [number, value] of [
      [AV.TYPE, 'TACPLUS'],
      [AV.TIMESTAMP, `${this.#count}`],
      [AV.USER, user],
      [AV.SERIAL, serial],
      [AV.TACTYPE, 'HOST'],
    ] as const)
      values[number] = value
    return { values, serial }
  }

  /** Asks and waits for the answer. */
  ask(query: Query = this.query()): Promise<{ readonly code: Code; readonly values: Query['values'] }> {
    let answers = 0
    const answered = new Promise<Code>((resolve) => {
      this.module.ask?.(query, (code) => {
        if (++answers > 1) this.#answeredAgain.push(query.serial)
        resolve(code)
      })
    })
    return within('an answer', answered, ANSWERED_MAX_MS).then((code) => ({ code, values: query.values }))
  }

  async logged(pattern: RegExp): Promise<RegExpExecArray> {
    try {
      // Dozens of helpers may have to start before.
      return await until(
        `${pattern} in the log`,
        () => this.log.map((line) => pattern.exec(line)).find((match) => match !== null),
        ANSWERED_MAX_MS,
      )
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}; there is:\n${this.log.join('\n')}`)
    }
  }
}

/** Settings of module external for helpers with this behaviour. */
export function externalSettings(
  language: Language,
  words: readonly string[],
  options: ModuleOptions,
): ExternalSettings & CommonModuleSettings {
  const program = programOf(language, FILES[language], words)
  return {
    ...COMMON,
    module: 'external',
    childrenMin: 1,
    childrenMax: 2,
    home: undefined,
    uid: undefined,
    gid: undefined,
    timeoutMs: undefined,
    ...options,
    program: { ...program, environment: options.environment ?? program.environment },
  }
}

/** Module external with helpers of this behaviour; undefined when the test is skipped. */
export function externalThat(
  t: TestContext,
  words: readonly string[],
  options: ModuleOptions = {},
  language: Language = 'python3',
): Asked<External> | undefined {
  if (!needs(t, language)) return undefined
  const settings = externalSettings(language, words, options)
  return new Asked(t, (services) => new External(settings, services), options)
}

/** Module external-mt with a helper of this behaviour; undefined when the test is skipped. */
export function externalMtThat(
  t: TestContext,
  words: readonly string[],
  options: Pick<ModuleOptions, 'timeoutMs' | 'patienceMs' | 'nowMs' | 'say'> = {},
): Asked<ExternalMt> | undefined {
  if (!needs(t, 'python3')) return undefined
  const program = programOf('python3', 'helper_mt.py', words)
  const { timeoutMs } = options
  const settings: ExternalMtSettings & CommonModuleSettings = {
    ...COMMON,
    module: 'external-mt',
    timeoutMs,
    program,
  }
  return new Asked(t, (services) => new ExternalMt(settings, services), options)
}
