/** Lookup of users, groups and services of the system, as reading a configuration needs it. */
export interface Account {
  readonly uid: number
  readonly gid: number
}

/** Users, groups and services of the system. */
export interface Names {
  user(name: string): Account | undefined
  /** The group's number. */
  group(name: string): number | undefined
  /** The port of a service. */
  service(name: string, protocol: 'tcp' | 'sctp'): number | undefined
  /** Operating system, release and machine in lower case: the expansion of `%o` and `%O` in `exec`. */
  readonly platform: string
}
