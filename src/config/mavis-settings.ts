import { byteString } from '../base/byte-string.js'
import type { Position } from '../base/problem.js'
import type { MavisSettings } from '../mavis/settings.js'
import type { TcprelaySettings } from './table-tcprelay.js'

/** What section `tcprelay` says about modules. */
export function mavisSettings(tcprelay: TcprelaySettings): MavisSettings {
  return {
    authorization: tcprelay.mavisAuthorization?.value ?? 'none',
    fallback: tcprelay.mavisDefault,
    timeoutMs: tcprelay.mavisTimeoutMs,
    cacheTimeoutMs: tcprelay.mavisCacheTimeoutMs,
    members: tcprelay.mavisMembers.flat().map(byteString),
    modules: tcprelay.mavisModules,
  }
}

/** Where keys of Blowfish are given, for those who know whether it is to be had. */
export function blowfishKeyPlaces({ mavisModules }: TcprelaySettings): readonly Position[] {
  const servers = mavisModules.flatMap((one) => (one.module === 'remote' ? one.servers : []))
  return servers.flatMap(({ keyPosition }) => keyPosition ?? [])
}
