/** The directives of the PROXY protocol towards remotes, of a pool and of a remote. */
import { PROXY_TLVS } from '../base/proxy-tlvs.js'
import { located } from './located.js'
import { optional } from './row.js'
import { choice } from './text-types.js'
import { commaList } from './value-type.js'

export const sendProxyRows = {
  sendProxy: optional('send proxy', located(choice(['no', 'v1', 'v2'])), {
    doc:
      'Each connection to a remote begins with a header of the PROXY protocol, version 1 (text) or 2 (binary), with the ' +
      'addresses of the client and the address that it connected to. It is sent before TLS, together with the first bytes of ' +
      'the client if there are any. The server must expect it: `proxy_protocol` of nginx, `accept-proxy` of HAProxy. That of a ' +
      "remote overrides the pool's. Health checks send a header too, which says that it is not for a client, unless `health` " +
      'has a `send proxy`, `port` or `address` of its own. For clients of Unix sockets version 1 says `UNKNOWN`, version 2 has ' +
      'the path of the listener. Not available for remotes with `protocol = SCTP`, and not used for hosts of dynamic routes.',
    defaultText: '`no`',
    isOurs: true,
  }),
  sendProxyTlvs: optional('send proxy tlv', located(commaList(choice(PROXY_TLVS))), {
    doc:
      'What the header says besides the addresses, with `send proxy = v2` only. `authority`: the server name (SNI) that the ' +
      'client asked for, also with `tls = pass`. `alpn`: the protocol that was negotiated with the client. `ssl`: version and ' +
      'cipher of the TLS of the client, and the common name of its certificate, which was verified; none of them if the client ' +
      'does not speak TLS with this relay. `unique-id`: the `id=` of the session in the access log. `crc32c`: a checksum of the ' +
      'header. What is not known is left out.',
    defaultText: 'only the addresses',
    isOurs: true,
  }),
}
