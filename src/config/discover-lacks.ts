/** What single types of sources need besides their mandatory directives. */
import type { SourceName } from '../base/source-names.js'
import type { DiscoverSettings } from './table-discover.js'

export interface DiscoverLack {
  readonly text: string
  readonly hint?: string
}

const LACKS: { readonly [N in SourceName]?: (discover: DiscoverSettings) => DiscoverLack | undefined } = {
  etcd: ({ passwordFile, prefix, user }) => {
    if (prefix === '') return { text: "the 'prefix' is empty: all keys of etcd would be members" }
    if (user !== undefined && passwordFile === undefined)
      return { text: 'the source has a user and no password', hint: "add 'password file = FILE'" }
    if (user === undefined && passwordFile !== undefined)
      return { text: 'the source has a password and no user', hint: "add 'user = NAME'" }
    return undefined
  },
  consul: ({ url = '' }) => serverProblem(url),
  kubernetes: ({ namespace, service = '', url }) => {
    // It becomes part of a label selector, in which other characters have a meaning.
    if (!/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(service))
      return {
        text: "the 'service' is not the name of a service of Kubernetes",
        hint: 'write it without the namespace',
      }
    if (url !== undefined && namespace === undefined)
      return { text: "with 'url' the source needs a namespace", hint: "add 'namespace = NAME'" }
    return url === undefined ? undefined : serverProblem(url)
  },
}

/** Undefined: nothing. */
export function discoverLack(discover: DiscoverSettings): DiscoverLack | undefined {
  const { certFile, keyFile, type } = discover
  if (keyFile !== undefined && certFile === undefined)
    return { text: "the source has a 'key-file' and no 'cert-file'" }
  return LACKS[type]?.(discover)
}

function serverProblem(url: string): DiscoverLack | undefined {
  return url.includes('?') ? { text: "the 'url' of a server has no '?'" } : undefined
}
