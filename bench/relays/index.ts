import { haproxy, haproxyLog, haproxySplice } from './haproxy.js'
import { hitch } from './hitch.js'
import { netRelay } from './net.js'
import { nginxStream } from './nginx.js'
import type { Relay } from './relay.js'
import { socat } from './socat.js'
import { stunnel } from './stunnel.js'
import { tcprelay, tcprelayMavis, tcprelayProduction, tcprelayWithChildren } from './tcprelay.js'

/** Every relay that can be measured, the judged one first. */
export const ALL_RELAYS: readonly Relay[] = [
  tcprelay,
  haproxy,
  haproxySplice,
  nginxStream,
  hitch,
  stunnel,
  netRelay,
  socat,
  tcprelayProduction,
  haproxyLog,
  tcprelayMavis,
  ...tcprelayWithChildren,
]
