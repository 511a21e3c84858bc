import type { Endpoint } from '../../config/endpoint.js'

/** Converts a name of the configuration to the resolver's format. */
export function resolvable({ host, family, port }: Extract<Endpoint, { kind: 'name' }>) {
  return { host, family: family === 'ipv4' ? 4 : family === 'ipv6' ? 6 : 0, port } as const
}
