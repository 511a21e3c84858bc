import type { Question } from '../../src/base/authorization.js'
import { ATTRIBUTES, type AttributeName, AV } from '../../src/base/mavis-attributes.js'
import {
  type Code,
  DOWN,
  FINAL,
  type Module,
  type ModuleServices,
  type Query,
} from '../../src/mavis/module.js'
import type { CommonModuleSettings, GroupsSettings } from '../../src/mavis/settings.js'
import { Boundary } from '../../src/observe/boundary.js'

/** Attributes by their names; undefined: taken away. */
export type Named = { readonly [Name in AttributeName]?: string | undefined }

export function valuesOf(named: Named): (string | undefined)[] {
  const values: (string | undefined)[] = []
  for (const [name, value] of Object.entries(named)) values[AV[name as AttributeName]] = value
  return values
}

export function namedOf(values: readonly (string | undefined)[]): Named {
  const entries = values.flatMap((value, number) =>
    value === undefined ? [] : [[ATTRIBUTES[number], value]],
  )
  return Object.fromEntries(entries)
}

let asked = 0

/** A question about the host 192.0.2.1, or what is said of it. */
export function queryOf(named: Named = {}): Query {
  const serial = `s${++asked}`
  const host = { TYPE: 'TACPLUS', TACTYPE: 'HOST', USER: '192.0.2.1', IPADDR: '192.0.2.1', TIMESTAMP: serial }
  return { serial, values: valuesOf({ ...host, SERIAL: serial, ...named }) }
}

/** The time is the test's, and what is said is kept. */
export class FakeServices implements ModuleServices {
  readonly lines: string[] = []
  readonly timeoutMs = 5_000
  ms = 1_000_000

  readonly say = (_severity: number, text: string) => {
    this.lines.push(text)
  }

  readonly boundary = new Boundary(this.say, () => this.ms)

  nowMs(): number {
    return this.ms
  }
}

export function common(name: string, over: Partial<CommonModuleSettings> = {}): CommonModuleSettings {
  return {
    name,
    position: { file: 'test', line: 1, column: 1 },
    onError: 'reject',
    onNotFound: 'continue',
    scriptIn: undefined,
    scriptInterim: undefined,
    scriptOut: undefined,
    ...over,
  }
}

/** Puts attributes into the answer and says `code`. */
export function answering(code: Code, named: Named = {}): Module {
  return {
    ask({ values }, answer) {
      set(values, named)
      answer(code)
    },
  }
}

/** Keeps questions until the test has them answered. */
export class Slow implements Module {
  readonly open = new Map<Query, (code: Code) => void>()
  readonly withdrawn: Query[] = []

  ask(query: Query, answer: (code: Code) => void): void {
    this.open.set(query, answer)
  }

  withdraw(query: Query): void {
    this.withdrawn.push(query)
    this.open.delete(query)
  }

  answer(query: Query, code: Code, named: Named = {}): void {
    const answer = this.open.get(query)
    this.open.delete(query)
    set(query.values, named)
    answer?.(code)
  }
}

function set(values: Query['values'], named: Named): void {
  for (const [name, value] of Object.entries(named)) values[AV[name as AttributeName]] = value
}

/** What one module by itself makes of a question that the modules below answer with `below`. */
export function throughModule(module: Module, query: Query, below: Named): { asked: Code; values: Named } {
  let asked: Code = DOWN
  if (module.ask !== undefined) module.ask(query, (code) => (asked = code))
  if (asked === DOWN) set(query.values, below)
  if (asked === DOWN || asked === FINAL) module.review?.(query)
  return { asked, values: namedOf(query.values) }
}

/** Module `groups` as it is without directives. */
export const PLAIN_GROUPS: GroupsSettings = {
  module: 'groups',
  resolveGid: false,
  resolveGids: false,
  gidAttribute: AV.GID,
  gidsAttribute: AV.GIDS,
  gidFilter: [],
  gidsFilter: [],
  groupFilter: [],
  groupsFilter: [],
  memberOfFilter: [],
}

/** About a client that has shown nothing. */
export const QUESTION: Question = {
  token: 1,
  childSlot: 0,
  client: '192.0.2.1',
  server: '192.0.2.80',
  realm: '',
  serverName: undefined,
  identity: undefined,
}
