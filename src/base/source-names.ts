/** The names of sources of members: `type` of a `discover` block. Here, because config/ loads values only from base/. */
export const SOURCE_NAMES = ['dns', 'srv', 'file', 'http', 'etcd', 'consul', 'kubernetes'] as const

export type SourceName = (typeof SOURCE_NAMES)[number]
