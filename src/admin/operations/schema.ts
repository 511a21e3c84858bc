/** Schemas of parameters and answers, with the TypeScript types of their values. */

type Kind = 'text' | 'number' | 'flag' | 'list' | 'object'

export interface Schema<out T = unknown> {
  readonly kind: Kind
  readonly doc: string
  /** Of a number. */
  readonly unit?: 'seconds' | 'bytes'
  /** Of a number. */
  readonly isWhole?: boolean
  readonly min?: number
  /** Of a text: the only values. */
  readonly words?: readonly string[]
  /** Of a list. */
  readonly item?: Schema
  /** Of an object. */
  readonly fields?: Fields
  readonly isOptional?: boolean
  /** Left out of tables on a terminal, unless they are asked for. */
  readonly isDetail?: boolean
  /** Never there: carries the type. */
  readonly value?: T
}

export type Fields = Readonly<Record<string, Schema>>

export type ValueOf<S> = S extends Schema<infer T> ? T : never
export type ObjectOf<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> }

export function text(doc: string): Schema<string> {
  return { kind: 'text', doc }
}

export function word<const W extends string>(words: readonly W[], doc: string): Schema<W> {
  return { kind: 'text', doc, words }
}

/** A whole number that is not negative. */
export function count(doc: string): Schema<number> {
  return { kind: 'number', doc, isWhole: true, min: 0 }
}

export function bytes(doc: string): Schema<number> {
  return { kind: 'number', doc, unit: 'bytes', isWhole: true, min: 0 }
}

export function seconds(doc: string): Schema<number> {
  return { kind: 'number', doc, unit: 'seconds' }
}

export function amount(doc: string): Schema<number> {
  return { kind: 'number', doc, min: 0 }
}

export function flag(doc: string): Schema<boolean> {
  return { kind: 'flag', doc }
}

export function list<T>(item: Schema<T>, doc: string): Schema<readonly T[]> {
  return { kind: 'list', doc, item }
}

export function object<const F extends Fields>(fields: F, doc = ''): Schema<ObjectOf<F>> {
  return { kind: 'object', doc, fields }
}

/** It may be missing. */
export function optional<T>(schema: Schema<T>): Schema<T | undefined> {
  return { ...schema, isOptional: true } as Schema<T | undefined>
}

export function detail<T>(schema: Schema<T>): Schema<T> {
  return { ...schema, isDetail: true }
}

/** JSON Schema, as Fastify and OpenAPI 3.1 understand it. */
export type JsonSchema = Readonly<Record<string, unknown>>

export function jsonSchema(schema: Schema): JsonSchema {
  return { ...(schema.doc === '' ? {} : { description: schema.doc }), ...shapeOf(schema) }
}

function shapeOf({ fields = {}, isWhole, item, kind, min, words }: Schema): JsonSchema {
  switch (kind) {
    case 'text':
      return { type: 'string', ...(words === undefined ? {} : { enum: words }) }
    case 'number':
      return { type: isWhole === true ? 'integer' : 'number', ...(min === undefined ? {} : { minimum: min }) }
    case 'flag':
      return { type: 'boolean' }
    case 'list':
      return { type: 'array', items: item === undefined ? {} : jsonSchema(item) }
    case 'object':
      return objectSchema(fields)
  }
}

/** Nothing but these fields: others are rejected in requests, and left out of answers. */
export function objectSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields)
  return {
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, field]) => [name, jsonSchema(field)])),
    required: entries.flatMap(([name, { isOptional }]) => (isOptional === true ? [] : [name])),
    additionalProperties: false,
  }
}
