/** The directive of STARTTLS towards remotes, of a pool and of a remote. */
import { STARTTLS_NAMES } from '../base/starttls-names.js'
import { located } from './located.js'
import { optional } from './row.js'
import { choice } from './text-types.js'

export const remoteStarttlsRows = {
  starttls: optional('starttls', located(choice(['no', ...STARTTLS_NAMES])), {
    doc:
      'TLS with a remote does not begin with the connection: the relay asks for it in this protocol first, as a client ' +
      "(STARTTLS, SSLRequest, AUTH TLS), after the header of `send proxy`. Requires `tls` in the remote. That of a remote overrides the pool's. " +
      'A remote that refuses TLS, or says anything in between, has failed: nothing is sent to it without TLS. The opening has the time of ' +
      '`connect timeout`. Clients speak the protocol as without TLS, and get the greeting of the server; what it said about its ' +
      'capabilities before TLS is removed. `xmpp` is the protocol between clients and servers, and needs a `server name` or a host ' +
      'name as `address`. With `postgres`, requests of the clients for encryption are denied, and SCRAM with channel binding is not offered ' +
      'to clients without TLS. With `ftp` only the control connection passes the relay. With `mysql` the client gets the greeting before the ' +
      'relay has asked for TLS, because that repeats a part of its login: from then on no other remote is tried for it. Health checks over TLS begin in the same way, unless `health` has a `port` or ' +
      'an `address` of its own. Not used for hosts of dynamic routes.',
    defaultText: '`no`',
    isOurs: true,
    needs: 'TLS',
    needsWhen: (starttls) => starttls !== undefined && starttls.value !== 'no',
  }),
}
