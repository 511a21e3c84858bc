/** Protocols that ask for TLS in plain text: values of `starttls`. Here, because config/ loads values only from base/. */
export const STARTTLS_NAMES = ['smtp', 'imap', 'pop3', 'ldap', 'postgres', 'mysql', 'ftp', 'xmpp'] as const

export type StarttlsName = (typeof STARTTLS_NAMES)[number]

/** Those that a listener can speak (`config/check-listener-starttls.ts`). */
export type ListenerStarttls = Exclude<StarttlsName, 'mysql'>
