/** Facts of a client that a header of the PROXY protocol may carry (version 2), by their names in the configuration. */
export const PROXY_TLVS = ['authority', 'alpn', 'ssl', 'unique-id', 'crc32c'] as const

export type ProxyTlv = (typeof PROXY_TLVS)[number]
