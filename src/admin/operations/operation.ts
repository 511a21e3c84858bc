/** One operation of the administration: what it is called, what it takes and answers, and who may do it. */
import type { AdminLevel } from '../../base/admin-level.js'
import type { Fields, ObjectOf, Schema } from './schema.js'

export interface Operation<out P extends Fields = Fields, out A = unknown> {
  readonly doc: string
  /** A client needs this level or a higher one. */
  readonly level: AdminLevel
  /** It asks; others change something. */
  readonly isRead: boolean
  /** In the order of the command line. */
  readonly parameters: P
  readonly answer: Schema<A>
}

export type ParametersOf<O> = O extends Operation<infer P, unknown> ? ObjectOf<P> : never
export type AnswerOf<O> = O extends Operation<Fields, infer A> ? A : never

/** A question. */
export function read<A, const P extends Fields = Record<never, Schema>>(
  doc: string,
  answer: Schema<A>,
  parameters = {} as P,
): Operation<P, A> {
  return { doc, level: 'read', isRead: true, parameters, answer }
}

/** A change. */
export function change<A, const P extends Fields = Record<never, Schema>>(
  doc: string,
  level: AdminLevel,
  answer: Schema<A>,
  parameters = {} as P,
): Operation<P, A> {
  return { doc, level, isRead: false, parameters, answer }
}

/** The path of the operation in the HTTP API. */
export function pathOf(name: string): string {
  return `/api/v1/${name}`
}

/** What clients without an operation can ask for; they need the level `read`. */
export const METRICS_PATH = '/metrics'
export const OPENAPI_PATH = '/openapi.json'
