/** What a configuration says of each type of health check, and what a check finds: plain data. */
import type { ByteString } from '../base/byte-string.js'
import type { ProbeName } from '../base/probe-names.js'

/** A check by its type, with the options of the type. */
export type ProbeCheck =
  | { readonly type: 'tcp' }
  /** A certificate that expires sooner is a warning. */
  | { readonly type: 'tls'; readonly expiresWithinMs: number }
  | HttpCheck
  | ExpectCheck
  | RedisCheck
  | SmtpCheck
  | AgentCheck
  /** `user`: without a password; undefined: only the greeting is read. */
  | { readonly type: 'mysql'; readonly user: string | undefined; readonly role: DatabaseRole }
  | {
      readonly type: 'postgres'
      readonly user: string
      readonly database: string
      readonly role: DatabaseRole
    }
  /** The result codes of an anonymous bind with which the remote passes. */
  | { readonly type: 'ldap'; readonly results: readonly number[] }
  | {
      readonly type: 'mqtt'
      /** Undefined: another one in each check. */
      readonly clientId: string | undefined
      readonly user: string | undefined
      readonly password: string | undefined
    }
  /** `words`: argv, beginning with argv[0]. */
  | { readonly type: 'exec'; readonly path: string; readonly words: readonly string[] }

/** `any`: the server is not asked. */
export type DatabaseRole = 'any' | 'primary' | 'replica'

export type CheckOf<N extends ProbeName> = Extract<ProbeCheck, { readonly type: N }>

/** What a check that succeeded has found. */
export interface ProbeFinding {
  /** Part of a log line; '' if there is nothing to say. */
  readonly text: string
  /** Something that is right now and will not be for long. */
  readonly warning?: string
  readonly advice?: ProbeAdvice
}

/** What a remote wants, besides being up or down. Undefined: as before. */
export interface ProbeAdvice {
  /** Of its configured weight; 0: no new clients. */
  readonly weightPercent?: number
  readonly adminState?: 'ready' | 'drain' | 'maint'
}

/** What an answer has to contain. */
export interface Sought {
  /** `pattern`: a regular expression of JavaScript with the flag `m`, for bytes as characters. */
  readonly kind: 'bytes' | 'pattern'
  readonly source: ByteString
  /** As it is written in the configuration, quoted. */
  readonly shown: string
}

/** Numbers from `first` to `last`. */
export interface StatusRange {
  readonly first: number
  readonly last: number
}

export interface HttpCheck {
  readonly type: 'http'
  /** The whole request. */
  readonly request: ByteString
  readonly isHead: boolean
  readonly statuses: readonly StatusRange[]
  readonly body: Sought | undefined
}

export interface ExpectCheck {
  readonly type: 'expect'
  /** In their order; at least one. */
  readonly steps: readonly ExpectStep[]
}

export type ExpectStep =
  | { readonly kind: 'send'; readonly bytes: ByteString }
  | { readonly kind: 'expect'; readonly sought: Sought }

export interface RedisCheck {
  readonly type: 'redis'
  readonly user: string | undefined
  readonly password: string | undefined
  /** `any`: the role is not asked for. */
  readonly role: RedisRole
}

export type RedisRole = 'any' | 'master' | 'replica'

export interface SmtpCheck {
  readonly type: 'smtp'
  /** How the check introduces itself; undefined: by the name of this host. */
  readonly helo: string | undefined
}

export interface AgentCheck {
  readonly type: 'agent'
  /** Sent before the answer is awaited; '': nothing. */
  readonly request: ByteString
}
