/** By what a pool recognises its clients. */

/** `source`: the client's address, cut to so many bits. */
export type ClientKeyPlan =
  | { readonly by: 'source'; readonly ipv4Bits: number; readonly ipv6Bits: number }
  | { readonly by: 'server-name' | 'rdp-cookie' | 'mqtt-client' | 'certificate' }
