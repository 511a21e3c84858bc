/**
 * What a source of members is: it reports complete answers, and problems. Start reading this folder here: `types/` has a
 * file for each source, `pool-members.ts` decides what an answer changes, `member-slots.ts` which slot a member gets.
 */
export interface FoundMember {
  /** Unique in its answer, and the same as long as it is the same member: `10.0.0.1:8080`, a pod, the id of a service, a key. */
  readonly name: string
  /** IP literals, IPv6 without brackets; or one host name, which the head resolves. */
  readonly hosts: readonly string[]
  /** 1 to 65535. */
  readonly port: number
  /** Share of the load, 0 to 65535 (0: no new clients). Undefined: that of the `remote` block in `discover`. */
  readonly weight: number | undefined
  /** 0: the best; higher ones are in reserve. Undefined: that of the `remote` block in `discover`. */
  readonly tier: number | undefined
}

export interface SourceEvents {
  /** Members of before, also of before a restart: a part of an answer that cannot be had is as it was. @default none */
  readonly known?: readonly FoundMember[]
  /**
   * A complete answer, in any order; an empty one is an answer too (there are no members). A source that asks at intervals
   * reports each answer, also if nothing has changed. `lack`: what of it could not be had and is as it was before, part of a
   * log line; undefined: nothing.
   */
  onAnswer(members: readonly FoundMember[], lack?: string): void
  /**
   * No answer could be had. The source tries again by itself; members stay. `text` is the reason, part of a log line: `no
   * answer within 2 s`, `HTTP 503`.
   */
  onProblem(text: string): void
}

export interface Source {
  /** Asks again at once: an answer seemed so unlikely that it has to be confirmed. A source that watches reads all anew. */
  askAgain(): void
  /** Ends timers, sockets and watches; no event is reported afterwards. */
  close(): void
}
