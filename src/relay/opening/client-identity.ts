/** Who a client is by its TLS handshake. */
import type { ClientIdentity } from '../../base/authorization.js'
import type { TlsFacts } from '../../tls/channel-facts.js'

/** The identity of a client by its certificate or pre-shared key; undefined if it sent neither. */
export function identityOf(
  facts: Pick<TlsFacts, 'peer' | 'pskIdentity'> | undefined,
): ClientIdentity | undefined {
  if (facts?.peer !== undefined) {
    const { alternativeNames, commonName, der, issuerKeyId, issuerLine, serial, subjectLine } = facts.peer
    const [first = ''] = alternativeNames
    const user = commonName === '' ? first.slice(first.indexOf(':') + 1) : commonName
    return {
      kind: 'certificate',
      user,
      subjectLine,
      issuer: issuerLine,
      issuerKeyId,
      serial,
      alternativeNames,
      der,
    }
  }
  return facts?.pskIdentity === undefined ? undefined : { kind: 'psk', user: facts.pskIdentity }
}
