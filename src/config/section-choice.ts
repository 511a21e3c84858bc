import { basename } from 'node:path/posix'

/** What decides which sections of a file are read. */
export interface SectionRequest {
  readonly program: 'tcprelay' | 'spawnd'
  /** The path that the program was started with. */
  readonly programPath: string
  /** `-I ID` */
  readonly masterOption?: string | undefined
  /** `-i ID` */
  readonly childOption?: string | undefined
  /** The argument behind the file. */
  readonly lastArgument?: string | undefined
}

export interface SectionIds {
  /** Undefined: the process is no master and needs no such section. */
  readonly masterId: string | undefined
  readonly childId: string | undefined
}

/** What the spawnd section says about its children. */
export interface ConfiguredChild {
  readonly id: string | undefined
  readonly exec: string | undefined
}

const NO_CHILD: ConfiguredChild = { id: undefined, exec: undefined }

/**
 * The sections of a master and of its children. An option counts for more than the file, for both; the
 * original let `spawn { id = X }` win over -i.
 */
export function chooseSections(request: SectionRequest, child: ConfiguredChild = NO_CHILD): SectionIds {
  const { program, programPath, masterOption, childOption, lastArgument } = request
  const ownName = sectionNameOf(programPath)
  const masterDefault = program === 'spawnd' ? ownName : 'spawnd'
  const childDefault = program === 'spawnd' ? 'tcprelay' : ownName
  return {
    masterId: masterOption ?? lastArgument ?? masterDefault,
    childId: isForeign(child) ? undefined : (childOption ?? child.id ?? childDefaultFor(child, childDefault)),
  }
}

/** Children that are no relay read a section that is theirs to judge. */
function isForeign({ exec }: ConfiguredChild): boolean {
  return exec !== undefined && sectionNameOf(exec) !== 'tcprelay'
}

function childDefaultFor({ exec }: ConfiguredChild, ownDefault: string): string {
  return exec === undefined ? ownDefault : sectionNameOf(exec)
}

/** A child reads the section that its master names, or that its program is named after. */
export function chooseChildSection({ programPath, lastArgument }: SectionRequest): SectionIds {
  return { masterId: undefined, childId: lastArgument ?? sectionNameOf(programPath) }
}

function sectionNameOf(programPath: string): string {
  return basename(programPath, '.js')
}
