/** Reads a configuration file into settings, for the sections that a process was asked to run. */
import type { Position } from '../base/problem.js'
import { checkConfiguration } from './check.js'
import { checkLoops } from './check-loops.js'
import { checkMavis } from './check-mavis.js'
import { checkPoolsOfListeners } from './check-pools.js'
import { checkPorts } from './check-ports.js'
import { checkDynamicRoutes, checkListenersOfRoutes } from './check-routes.js'
import { checkListenersOfTests } from './check-tests.js'
import { checkTls } from './check-tls.js'
import { type CompletionContext, completeDraft, type Draft, emptyDraft, hasMistakesIn } from './draft.js'
import { type OtherSection, otherSection } from './other-section.js'
import { type GivenDirective, Parser } from './parser.js'
import { type ConfigProblem, Problems } from './problems.js'
import type { Block, SettingsOf } from './row.js'
import { chooseSections, type SectionIds, type SectionRequest } from './section-choice.js'
import { cannotRead } from './sources.js'
import { type SpawndSettings, spawndBlock } from './table-spawnd.js'
import { isDynamic, type TcprelaySettings, tcprelayBlock } from './table-tcprelay.js'
import { topBlock } from './table-top.js'
import type { Token } from './token.js'
import { TokenStream } from './token-stream.js'
import type { World } from './value-type.js'
import { WantedSections } from './wanted-sections.js'
import { wordsOf } from './word-tree.js'

export interface LoadRequest extends World, SectionIds {
  readonly file: string
  readonly environment: ReadonlyMap<string, string>
  /** A socket was inherited on descriptor 0: a listener need not say where it binds. */
  readonly isInetd: boolean
}

export type TopSettings = SettingsOf<typeof topBlock>

/** Complete if no problem is an error; otherwise the part that could be read. */
export interface Configuration {
  readonly top: TopSettings
  readonly spawnd: SpawndSettings
  readonly tcprelay: TcprelaySettings
  /** Every directive that was given in the file's top level and the sections that were read. */
  readonly given: readonly GivenDirective[]
  readonly problems: readonly ConfigProblem[]
  /** Sections that were skipped. */
  readonly others: readonly OtherSection[]
  /** The environment of the request, as changed by `setenv`. */
  readonly environment: ReadonlyMap<string, string>
}

const KEYWORDS = new Set(['include', ...wordsOf([topBlock, spawndBlock, tcprelayBlock])])

export interface ChosenConfiguration extends Configuration {
  readonly sections: SectionIds
  /** The file that the children's section was read from, where `spawn { config = FILE }` names another one. */
  readonly childFile: string | undefined
}

type ChosenRequest = Omit<LoadRequest, keyof SectionIds>

/**
 * Reads a configuration whose sections are chosen by the command line and, as the children's section and file may
 * be named in the spawnd section, by the file itself.
 */
export function loadChosenConfiguration(request: ChosenRequest, choice: SectionRequest): ChosenConfiguration {
  // The section of the children may be named in the section of the master, which must be read first.
  const first = chooseSections(choice)
  const configuration = loadConfiguration({ ...request, ...first })
  const { spawn } = configuration.spawnd
  const sections = chooseSections(choice, spawn)
  if (spawn.config !== undefined && sections.childId !== undefined) {
    const childRequest = { ...request, file: spawn.config }
    const apart = withOthers(request, loadApart(request, childRequest, sections), sections)
    return { ...apart, sections, childFile: spawn.config }
  }
  // Usually the first pass has read the right section.
  const isRead = sections.childId === first.childId
  const chosen = isRead ? configuration : loadConfiguration({ ...request, ...sections })
  return { ...withOthers(request, chosen, sections), sections, childFile: undefined }
}

/** Limit of checked sections: each takes a pass of its own over the file. */
const OTHERS_MAX = 64

/**
 * Adds the problems of sections that were not chosen. If the children are another program, their section is
 * not checked.
 */
function withOthers(request: ChosenRequest, chosen: Configuration, { childId }: SectionIds): Configuration {
  const problems = new Problems()
  for (const problem of chosen.problems) problems.add(problem)
  const others = chosen.others.filter(
    ({ kind }) => kind === 'master' || (kind === 'relay' && childId !== undefined),
  )
  for (const { id, kind } of others.slice(0, OTHERS_MAX)) {
    const sections =
      kind === 'master' ? { masterId: id, childId: undefined } : { masterId: undefined, childId: id }
    for (const problem of loadConfiguration({ ...request, ...sections }).problems) problems.add(problem)
  }
  return { ...chosen, others, problems: problems.sorted() }
}

/**
 * Reads master and children from a file each. What the children's file sets in the environment applies to
 * them only.
 */
function loadApart(
  request: ChosenRequest,
  childRequest: ChosenRequest,
  { masterId, childId }: SectionIds,
): Configuration {
  const master = loadConfiguration({ ...request, masterId, childId: undefined })
  const { environment } = master
  const child = loadConfiguration({ ...childRequest, environment, masterId: undefined, childId })
  const problems = new Problems()
  for (const problem of [...master.problems, ...child.problems]) problems.add(problem)
  const { tcprelay } = child
  // Checks across both sections, which neither pass could make; only without errors, as in
  // `checkConfiguration`.
  const isRight = problems.sorted().every(({ severity }) => severity !== 'error')
  if (isRight) {
    checkTls(master.spawnd, tcprelay, false, problems)
    checkPoolsOfListeners(master.spawnd, tcprelay, problems)
    checkListenersOfRoutes(master.spawnd, tcprelay, problems)
    checkDynamicRoutes(master.spawnd, tcprelay, problems)
    checkListenersOfTests(master.spawnd, tcprelay, problems)
    checkPorts(master.spawnd, tcprelay, problems)
    checkLoops(master.spawnd, tcprelay, problems)
    checkMavis(master.spawnd, tcprelay, false, problems)
  }
  return { ...master, tcprelay, given: [...master.given, ...child.given], problems: problems.sorted() }
}

/** Reads a whole file, its wanted sections and all that it includes, and checks it. Never throws. */
export function loadConfiguration(request: LoadRequest): Configuration {
  const problems = new Problems()
  const environment = new Map(request.environment)
  const start: Position = { file: request.file, line: 1, column: 1 }
  const draft = emptyDraft(start)
  const wanted = new WantedSections(request, start, problems)
  const given: GivenDirective[] = []
  const others: OtherSection[] = []
  let isWhole = false
  const answer = request.sources.read(request.file)
  if (answer.ok) {
    const { sources, names, file } = request
    const isKeyword = (word: string) => KEYWORDS.has(word)
    const tokens = new TokenStream({ file, bytes: answer.bytes, sources, environment, problems, isKeyword })
    const openSection = (name: Token) => wanted.open(name)
    const onSkipped = (name: Token, firstWords: ReadonlySet<string>) =>
      others.push(otherSection(name, firstWords))
    const patterns = { isCaseMatched: false }
    const shared = { tokens, problems, environment, patterns, sources, names }
    const parser = new Parser({ ...shared, given, openSection, onSkipped })
    isWhole = parser.parseFile(topBlock, draft)
    // In a file that ended early, a section may be missing only because it was not reached.
    if (isWhole) wanted.reportMissing(draft.hasMistakes)
  } else {
    problems.error(start, cannotRead(request.file, answer.code, request.sources), { code: 'unreadable' })
  }
  const settings = completeAll(draft, wanted, { problems, isInetd: request.isInetd, listenerCount: 0 })
  if (isWhole) checkRead(settings, wanted, request.isInetd, problems)
  return { ...settings, given, others, problems: problems.sorted(), environment }
}

type AllSettings = Pick<Configuration, 'top' | 'spawnd' | 'tcprelay'>

function completeAll(
  draft: Draft,
  { spawnd, tcprelay }: WantedSections,
  context: CompletionContext,
): AllSettings {
  const top = completeSection(topBlock, draft, undefined, context)
  return {
    top,
    spawnd: completeSection(spawndBlock, spawnd.draft, top, context),
    tcprelay: completeSection(tcprelayBlock, tcprelay.draft, top, context),
  }
}

function completeSection<S>(
  block: Block<S>,
  draft: Draft,
  top: TopSettings | undefined,
  context: CompletionContext,
): S {
  const settings = completeDraft(block, draft, { ...top }, context)
  // Sections refuse nothing: their `complete` always returns settings.
  if (settings === undefined) throw new Error(`the ${block.name} section cannot be left out`)
  return settings
}

function checkRead(
  settings: AllSettings,
  sections: WantedSections,
  isInetd: boolean,
  problems: Problems,
): void {
  const { spawnd, tcprelay } = sections
  const input = {
    spawnd: spawnd.foundAt && settings.spawnd,
    tcprelay: tcprelay.foundAt && settings.tcprelay,
    hasListeners: spawnd.draft.given.has('listeners') || spawnd.draft.hasMistakes,
    hasRemotes:
      ['remotes', 'discover', 'pools'].some((key) => tcprelay.draft.given.has(key)) ||
      settings.tcprelay.routes.some(isDynamic) ||
      hasMistakesIn(tcprelay.draft, 'routes'),
    mayHaveCertificate: hasMistakesIn(tcprelay.draft, 'tlsCertificates'),
    mayHaveModule: hasMistakesIn(tcprelay.draft, 'mavisModules'),
    mayHavePool: hasMistakesIn(tcprelay.draft, 'pools'),
    mayHaveListener: hasMistakesIn(spawnd.draft, 'listeners'),
    mayHaveRule: spawnd.draft.hasMistakes,
    isInetd,
  }
  checkConfiguration(input, problems)
}
