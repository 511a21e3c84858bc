/** By what a pool recognises its clients. */

/** The client's address, cut to so many bits. */
export interface SourceKeyPlan {
  readonly by: 'source'
  readonly ipv4Bits: number
  readonly ipv6Bits: number
}

export type ClientKeyPlan =
  | SourceKeyPlan
  | { readonly by: 'server-name' | 'rdp-cookie' | 'mqtt-client' | 'certificate' }
