/** Socket options that a configuration can set on listeners and on connections to remotes. */
import type { Calls, Fd, Outcome } from './calls.js'
import * as c from './constants.js'

/** Zero and '' keep the system's default and cost no call. */
export interface SocketOptions {
  /** Interface or VRF to bind to. */
  readonly device: string
  /** Packet mark for routing and packet filters; needs CAP_NET_ADMIN. */
  readonly fwmark: number
  /** Differentiated services code point, 0 to 63. */
  readonly dscp: number
  /** Congestion control algorithm. */
  readonly congestion: string
  /** How long sent data may remain unacknowledged before the kernel closes the connection (tcp(7)). */
  readonly userTimeoutMs: number
}

export const NO_OPTIONS: SocketOptions = { device: '', fwmark: 0, dscp: 0, congestion: '', userTimeoutMs: 0 }

export type OptionName = keyof SocketOptions

type Setter = (calls: Calls, fd: Fd, options: SocketOptions, family: number) => Outcome

/** In the order in which they are set. */
const SETTERS: Readonly<Record<OptionName, Setter>> = {
  device: (calls, fd, { device }) => calls.setTextOption(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, device),
  fwmark: (calls, fd, { fwmark }) => calls.setOption(fd, c.SOL_SOCKET, c.SO_MARK, fwmark),
  dscp: setDscp,
  congestion: (calls, fd, { congestion }) =>
    calls.setTextOption(fd, c.IPPROTO_TCP, c.TCP_CONGESTION, congestion),
  userTimeoutMs: (calls, fd, { userTimeoutMs }) =>
    calls.setOption(fd, c.IPPROTO_TCP, c.TCP_USER_TIMEOUT, userTimeoutMs),
}

const NAMES = Object.keys(SETTERS) as readonly OptionName[]

/** The options among the settings of a listener or a remote. */
export function socketOptions(settings: SocketOptions): SocketOptions {
  return { ...NO_OPTIONS, ...Object.fromEntries(NAMES.map((name) => [name, settings[name]])) }
}

/** The options that differ from their default. */
export function namesOfSet(options: SocketOptions): readonly OptionName[] {
  return NAMES.filter((name) => options[name] !== NO_OPTIONS[name])
}

/**
 * Sets the options: returns 0, or the negated errno of the first failure, after `onRefused` was called with its name.
 */
export function applyOptions(
  calls: Calls,
  fd: Fd,
  family: number,
  options: SocketOptions,
  onRefused: (name: OptionName) => void = () => {},
): Outcome {
  for (const name of NAMES) {
    if (options[name] === NO_OPTIONS[name]) continue
    const outcome = SETTERS[name](calls, fd, options, family)
    if (outcome >= 0) continue
    onRefused(name)
    return outcome
  }
  return 0
}

/**
 * The code point is the upper six bits of the byte (RFC 2474, 3). An IPv6 socket may have IPv4 peers, so both are
 * set.
 */
function setDscp(calls: Calls, fd: Fd, { dscp }: SocketOptions, family: number): Outcome {
  const outcome = calls.setOption(fd, c.IPPROTO_IP, c.IP_TOS, dscp << 2)
  return family === c.AF_INET6 ? calls.setOption(fd, c.IPPROTO_IPV6, c.IPV6_TCLASS, dscp << 2) : outcome
}
