import { byteString } from '../base/byte-string.js'
import type { MavisSettings } from '../mavis/settings.js'
import type { TcprelaySettings } from './table-tcprelay.js'

/** The MAVIS settings of section `tcprelay`. */
export function mavisSettings(tcprelay: TcprelaySettings): MavisSettings {
  return {
    authorization: tcprelay.mavisAuthorization?.value ?? 'none',
    fallback: tcprelay.mavisDefault,
    timeoutMs: tcprelay.mavisTimeoutMs,
    cacheTimeoutMs: tcprelay.mavisCacheTimeoutMs,
    // The directive may be repeated; values of MAVIS are bytes.
    members: tcprelay.mavisMembers.flat().map(byteString),
    modules: tcprelay.mavisModules,
  }
}
