/** What a source of members is: it reports complete answers, and problems. */
export interface FoundMember {
  /** Unique in its answer, the same as long as it is the same member: `10.0.0.1:8080`, a pod, a service id, a key. */
  readonly name: string
  /** IP literals, IPv6 without brackets; or one host name, which the head resolves. */
  readonly hosts: readonly string[]
  /** 1 … 65535. */
  readonly port: number
  /** Share of the load, 0 … 65535 (0: no new clients); undefined: that of the template. */
  readonly weight: number | undefined
  /** 0: the best; higher ones are in reserve. Undefined: that of the template. */
  readonly tier: number | undefined
}

export interface SourceEvents {
  /** A complete answer, in any order; an empty one is an answer too (there are none). Also when nothing has changed, once a round, so that an answer can be confirmed. */
  onAnswer(members: readonly FoundMember[]): void
  /** No answer could be had. The source tries again by itself; members stay. `text` is the reason, part of a log line: `no answer within 2 s`, `HTTP 503`, `line 3 is not valid JSON: …`. */
  onProblem(text: string): void
}

export interface Source {
  /** Ends timers, sockets and watches; no event is reported afterwards. */
  close(): void
}
