export interface Account {
  readonly uid: number
  readonly gid: number
}

/** What the system knows by name. */
export interface Names {
  user(name: string): Account | undefined
  /** The group's number. */
  group(name: string): number | undefined
  /** The port of a service. */
  service(name: string, protocol: 'tcp' | 'sctp'): number | undefined
  /** Operating system, release and machine in lower case, as `%o` and `%O` in `exec` put them. */
  readonly platform: string
}
