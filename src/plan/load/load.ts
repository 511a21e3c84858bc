/** Loads a configuration with what it names: mechanism, TLS files, sources for messages. */
import type { PollMechanism } from '../../base/poll-mechanism.js'
import type { Arguments } from '../../config/arguments.js'
import { handedOverProblems } from '../../config/check-handed-over.js'
import { type Configuration, loadChosenConfiguration, loadConfiguration } from '../../config/load.js'
import { chooseChildSection, type SectionIds, type SectionRequest } from '../../config/section-choice.js'
import { cachedSources, type Sources } from '../../config/sources.js'
import { linuxCalls } from '../../kernel/linux-calls.js'
import { type FileStamp, type Stamps, stampOf } from '../../services/file-watch.js'
import { isUnderInetd } from '../../services/handed-over.js'
import { chosenMechanism } from './chosen-mechanism.js'
import { fileSources } from './file-sources.js'
import { type LoadedGeo, loadGeo, NO_GEO } from './geo-loading.js'
import { withMemberSlots } from './member-slots.js'
import { probeTlsProblems } from './probe-tls-problems.js'
import { isUrl, withStreamed } from './streamed-configuration.js'
import { systemNames } from './system-names.js'
import { type LoadedTls, loadTls, NO_TLS_SETTINGS, type TlsLoadOptions } from './tls-loading.js'

export interface Loaded extends Configuration {
  readonly sections: SectionIds
  /** How reactors wait for descriptors. */
  readonly mechanism: PollMechanism
  /** The files that were read, from which messages show lines. */
  readonly sources: Sources
  /** Of the files that were read, those of TLS excepted, taken before. */
  readonly stamps: Stamps
  readonly geo: LoadedGeo
  /** TLS settings and files; their problems are among `problems`. */
  readonly tls: Omit<LoadedTls, 'problems'>
}

/** The text of a configuration and its files, before TLS and the mechanism are checked. */
type Read = Omit<Loaded, 'geo' | 'mechanism' | 'tls'>

export interface LoadOptions {
  readonly program: 'tcprelay' | 'spawnd'
  readonly programPath: string
  readonly arguments: Arguments
  /** The process is the child of a foreign master, and reads only its own section. */
  readonly isChild?: boolean
  /** TLS files are not read, because no client is served. */
  readonly skipsTls?: boolean
  /** Where files are read; the file system unless a test or the demonstration says otherwise. */
  readonly sources?: Sources
}

/** Reads the configuration that the command line names: a file, a pipe or a URL. Never throws. */
export async function loadFrom(options: LoadOptions): Promise<Loaded> {
  const { configuration: file, childId, id, masterId } = options.arguments
  const stamps = new Map<string, FileStamp>()
  const files = stamped(await withStreamed(options.sources ?? fileSources, file), stamps)
  // A copy, which `setenv` in the configuration changes; `process.env` itself is set at the start only.
  const environment = new Map(
    Object.entries(process.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])),
  )
  const isInetd = isUnderInetd(linuxCalls())
  const request = { file, environment, isInetd, names: systemNames() }
  const { program, programPath } = options
  const choice = { program, programPath, masterOption: masterId, childOption: childId, lastArgument: id }
  if (options.isChild === true) {
    const sections = chooseChildSection(choice)
    const sources = cachedSources(files)
    const configuration = loadConfiguration({ ...request, sources, ...sections })
    const problems = [...configuration.problems, ...handedOverProblems(configuration.tcprelay)]
    const read = { ...configuration, problems, sections, sources, stamps }
    return complete(read, { sources: files, service: 'clients-handed-over' })
  }
  // Twice if `config` of `spawn` is a URL: the first pass finds it, the second one has its page.
  const read = { ...loadOnce(request, choice, files), stamps }
  const { childFile } = read
  const isPage = childFile !== undefined && isUrl(childFile)
  const whole = isPage ? { ...loadOnce(request, choice, await withStreamed(files, childFile)), stamps } : read
  const { singleProcess, spawn } = whole.spawnd
  if (options.skipsTls === true) return complete(whole, { sources: files, service: 'none' })
  const isRelaying = options.arguments.isSingleProcess || singleProcess || spawn.exec === undefined
  return complete(whole, { sources: files, service: isRelaying ? 'listeners' : 'none' })
}

/** Notes the stamp of each file before it is read. */
function stamped(files: Sources, stamps: Map<string, FileStamp>): Sources {
  const read = (path: string) => {
    stamps.set(path, stampOf(path))
    return files.read(path)
  }
  return { ...files, read }
}

/** Its cache keeps each file for the whole pass, so that messages show the text that was parsed. */
function loadOnce(
  request: Omit<Parameters<typeof loadChosenConfiguration>[0], 'sources'>,
  choice: SectionRequest,
  files: Sources,
): Omit<Read, 'stamps'> & { readonly childFile: string | undefined } {
  const sources = cachedSources(files)
  return { ...loadChosenConfiguration({ ...request, sources }, choice), sources }
}

/** Adds the poll mechanism of this machine and the TLS files, with their problems. */
async function complete(read: Read, options: TlsLoadOptions): Promise<Loaded> {
  const { mechanism, problems: ofMechanism } = chosenMechanism(read)
  const problems = [...read.problems, ...ofMechanism]
  if (problems.some(({ severity }) => severity === 'error')) {
    // Files are not read for a wrong configuration: further problems could be consequences.
    return { ...read, problems, mechanism, geo: NO_GEO, tls: NOTHING_LOADED }
  }
  const { problems: ofTls, ...tls } = loadTls(read, options)
  const { problems: ofGeo, ...geo } = loadGeo(read, options.sources)
  const ofProbes = await probeTlsProblems(tls.probes, read.tcprelay.remotes)
  return withMemberSlots({
    ...read,
    problems: [...problems, ...ofTls, ...ofGeo, ...ofProbes],
    mechanism,
    geo,
    tls,
  })
}

const NOTHING_LOADED = { settings: NO_TLS_SETTINGS, probes: [], stamps: new Map(), ocsp: [] }
