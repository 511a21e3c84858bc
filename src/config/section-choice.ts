/** Selects the sections of a file that a process reads. */
import { basename } from 'node:path/posix'

/** The program name and command line, which select the sections. */
export interface SectionRequest {
  readonly program: 'tcprelay' | 'spawnd'
  /** The path that the program was started with. */
  readonly programPath: string
  /** `-I ID` */
  readonly masterOption?: string | undefined
  /** `-i ID` */
  readonly childOption?: string | undefined
  /** The argument after the file. */
  readonly lastArgument?: string | undefined
}

export interface SectionIds {
  /** Undefined: the process is no master. */
  readonly masterId: string | undefined
  readonly childId: string | undefined
}

/** The directives of the spawnd section that select the children's section. */
export interface ConfiguredChild {
  readonly id: string | undefined
  readonly exec: string | undefined
}

const NO_CHILD: ConfiguredChild = { id: undefined, exec: undefined }

/**
 * Selects the sections of a master and of its children. Options override the file, for both; in the original
 * `spawn { id = X }` overrides -i.
 */
export function chooseSections(request: SectionRequest, child: ConfiguredChild = NO_CHILD): SectionIds {
  const { program, programPath, masterOption, childOption, lastArgument } = request
  // A link with another name selects another section, as with the original.
  const ownName = sectionNameOf(programPath)
  const masterDefault = program === 'spawnd' ? ownName : 'spawnd'
  const childDefault = program === 'spawnd' ? 'tcprelay' : ownName
  return {
    masterId: masterOption ?? lastArgument ?? masterDefault,
    // -i, then the file, then the name.
    childId: isForeign(child) ? undefined : (childOption ?? child.id ?? childDefaultFor(child, childDefault)),
  }
}

/** Children of another program read and check their section themselves. */
function isForeign({ exec }: ConfiguredChild): boolean {
  return exec !== undefined && sectionNameOf(exec) !== 'tcprelay'
}

function childDefaultFor({ exec }: ConfiguredChild, ownDefault: string): string {
  return exec === undefined ? ownDefault : sectionNameOf(exec)
}

/** A child reads the section that its master passes as an argument, or the section of its program name. */
export function chooseChildSection({ programPath, lastArgument }: SectionRequest): SectionIds {
  return { masterId: undefined, childId: lastArgument ?? sectionNameOf(programPath) }
}

function sectionNameOf(programPath: string): string {
  return basename(programPath, '.js')
}
