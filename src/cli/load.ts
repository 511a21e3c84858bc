import { type Configuration, loadChosenConfiguration, loadConfiguration } from '../config/load.js'
import { chooseChildSection, type SectionIds } from '../config/section-choice.js'
import { type ReadAnswer, recordedSources, type Sources } from '../config/sources.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import type { Arguments } from './arguments.js'
import { fileSources } from './file-sources.js'
import { isUnderInetd } from './handed-over.js'
import { systemNames } from './system-names.js'
import { type LoadedTls, loadTls, type TlsLoadOptions } from './tls-loading.js'
import { NO_TLS } from './tls-settings.js'

/** A configuration server that does not answer in this time is down. */
const FETCH_TIMEOUT_MS = 20_000

export interface Loaded extends Configuration {
  readonly sections: SectionIds
  /** What was read, to be read again by a child without touching a file. */
  readonly sources: ReturnType<typeof recordedSources>
  /** What TLS needs; what was wrong with it is among the problems. */
  readonly tls: Pick<LoadedTls, 'settings' | 'stamps'>
}

export interface LoadOptions {
  readonly program: 'tcprelay' | 'spawnd'
  readonly programPath: string
  readonly arguments: Arguments
  /** The process is the child of a foreign master, and reads only its own section. */
  readonly isChild?: boolean
  /** Where files are read; the file system unless a test or the demonstration says otherwise. */
  readonly sources?: Sources
}

/** Reads the configuration that the command line names, a file or a URL. Never throws. */
export async function loadFrom(options: LoadOptions): Promise<Loaded> {
  const { configuration: file, childId, id, masterId } = options.arguments
  const files = options.sources ?? fileSources
  const sources = recordedSources(isUrl(file) ? withPage(files, file, await fetchPage(file)) : files)
  const environment = new Map(
    Object.entries(process.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])),
  )
  const isInetd = isUnderInetd(linuxCalls())
  const request = { file, environment, isInetd, sources, names: systemNames() }
  const { program, programPath } = options
  const choice = { program, programPath, masterOption: masterId, childOption: childId, lastArgument: id }
  const isForeignChild = options.isChild === true
  if (isForeignChild) {
    const sections = chooseChildSection(choice)
    const read = { ...loadConfiguration({ ...request, ...sections }), sections, sources }
    return withTls(read, { sources: files, isForeignChild })
  }
  return withTls({ ...loadChosenConfiguration(request, choice), sources }, { sources: files, isForeignChild })
}

/**
 * Adds what TLS needs. Its files are read past the record: they travel to children as settings, for a child does not
 * read the section that its listeners are in.
 */
function withTls(read: Omit<Loaded, 'tls'>, options: TlsLoadOptions): Loaded {
  if (read.problems.some(({ severity }) => severity === 'error')) return { ...read, tls: NOTHING_LOADED }
  const { problems, settings, stamps } = loadTls(read, options)
  return { ...read, tls: { settings, stamps }, problems: [...read.problems, ...problems] }
}

const NOTHING_LOADED = { settings: NO_TLS, stamps: new Map() }

function isUrl(file: string): boolean {
  return /^https?:\/\//i.test(file)
}

function withPage(files: Sources, url: string, page: ReadAnswer): Sources {
  return { ...files, read: (path) => (path === url ? page : files.read(path)) }
}

/** The bytes of a page, or why there are none: an HTTP status or the system's error. */
async function fetchPage(url: string): Promise<ReadAnswer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) })
    if (!response.ok) return { ok: false, code: `HTTP status ${response.status}` }
    return { ok: true, bytes: new Uint8Array(await response.arrayBuffer()) }
  } catch (error) {
    return { ok: false, code: fetchFailure(error) }
  }
}

/** fetch() wraps the reason: "fetch failed" helps nobody. */
function fetchFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof Error) return 'code' in cause ? `${cause.message} (${cause.code})` : cause.message
  return error.message
}
