/** The PROXY header that connections to a remote begin with: its own directives override those of its pool. */
import type { Position } from '../base/problem.js'
import type { ProxyTlv } from '../base/proxy-tlvs.js'
import type { Located } from './located.js'

export interface SendProxySettings {
  readonly sendProxy: Located<'no' | 'v1' | 'v2'> | undefined
  readonly sendProxyTlvs: Located<readonly ProxyTlv[]> | undefined
}

export interface EffectiveSendProxy {
  readonly version: 'v1' | 'v2'
  /** Undefined: none are given. */
  readonly tlvs: SendProxySettings['sendProxyTlvs']
  /** Of the version. */
  readonly position: Position
}

/** Undefined: no header. */
export function effectiveSendProxy(
  remote: SendProxySettings,
  pool: SendProxySettings | undefined,
): EffectiveSendProxy | undefined {
  const given = remote.sendProxy ?? pool?.sendProxy
  if (given === undefined || given.value === 'no') return undefined
  return { version: given.value, tlvs: remote.sendProxyTlvs ?? pool?.sendProxyTlvs, position: given.position }
}
