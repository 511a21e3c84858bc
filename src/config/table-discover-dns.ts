/** The directives of the sources `dns` and `srv`. */
import { dnsName, nameServer } from './dns-name-type.js'
import { count } from './number-types.js'
import { optional } from './row.js'
import { interval, portRow, timeoutRow } from './table-discover-shared.js'
import { choice } from './text-types.js'
import { commaList } from './value-type.js'

const TRIES_MAX = 10

export const srvRows = {
  dnsName: optional('name', dnsName, {
    doc:
      'Of `dns` and `srv`: the name that is looked up, as in `web.example.com` and `_http._tcp.example.com`. It is absolute: ' +
      'neither search domains nor /etc/hosts apply.',
    defaultText: 'mandatory with `dns` and `srv`',
    isOurs: true,
  }),
  family: optional('family', choice(['any', 'ipv4', 'ipv6']), {
    doc:
      'Of `dns` and `srv`: the addresses that count: those of A records (`ipv4`), of AAAA records (`ipv6`), or both. With ' +
      '`any`, both have to be answered.',
    defaultText: '`any`',
    isOurs: true,
  }),
  servers: optional('servers', commaList(nameServer), {
    doc:
      'Of `dns` and `srv`: the name servers, which are asked in this order until one answers. Quote an IPv6 address with a ' +
      'port: `"[::1]:5353"`.',
    defaultText: 'those of /etc/resolv.conf, which is read for each lookup',
    isOurs: true,
  }),
  timeoutMs: timeoutRow,
  tries: optional('tries', count({ min: 1, max: TRIES_MAX }), {
    doc: 'Of `dns` and `srv`: how often each name server is asked before a lookup fails.',
    defaultText: '2',
    isOurs: true,
  }),
  minIntervalMs: optional('min interval', interval, {
    doc:
      'Of `dns` and `srv`: the name is looked up again when the TTL of the answer has passed, or the negative TTL if there are ' +
      'no records, but no sooner than after this time.',
    defaultText: '1',
    isOurs: true,
  }),
  maxIntervalMs: optional('max interval', interval, {
    doc: 'Of `dns` and `srv`: the same, and no later than after this time.',
    defaultText: '1h',
    isOurs: true,
  }),
}

export const dnsRows = { ...srvRows, port: portRow }
