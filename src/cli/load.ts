import { type Configuration, loadChosenConfiguration, loadConfiguration } from '../config/load.js'
import { chooseChildSection, type SectionIds } from '../config/section-choice.js'
import { type ReadAnswer, recordedSources, type Sources } from '../config/sources.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import type { Arguments } from './arguments.js'
import { fileSources } from './file-sources.js'
import { isUnderInetd } from './handed-over.js'
import { systemNames } from './system-names.js'

/** A configuration server that does not answer in this time is down. */
const FETCH_TIMEOUT_MS = 20_000

export interface Loaded extends Configuration {
  readonly sections: SectionIds
  /** What was read, to be read again by a child without touching a file. */
  readonly sources: ReturnType<typeof recordedSources>
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
  if (options.isChild !== true) return { ...loadChosenConfiguration(request, choice), sources }
  const sections = chooseChildSection(choice)
  return { ...loadConfiguration({ ...request, ...sections }), sections, sources }
}

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
