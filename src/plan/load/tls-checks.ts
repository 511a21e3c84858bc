/** Checks TLS settings by building contexts of OpenSSL from them. */
import {
  type ClientTlsSettings,
  clientTlsOptions,
  type ServerTlsSettings,
  serverTlsOptions,
} from '../../engine/tls-settings.js'
import { checkClientTls } from '../../tls/client-context.js'
import { type TlsProblem, TlsProblems } from '../../tls/options.js'
import { checkServerTls } from '../../tls/server-context.js'
import { freeTrustStore, openTrustStore, type TrustStore } from '../../tls/trust-store.js'

type Findings = readonly TlsProblem[]

/** Checks each value of settings once and frees all contexts afterwards. */
export class TlsChecks {
  // By identity: equal settings are the same object (`Table` in `tls-loading.ts`).
  readonly #known = new Map<object, Findings>()
  /** The system's authorities, parsed once for all remotes. Owned until `end`. */
  #system: TrustStore | undefined

  /** Opens and frees the context that a reactor would open. */
  server(settings: ServerTlsSettings): Findings {
    return this.#once(settings, () => checkServerTls(serverTlsOptions(settings)))
  }

  /** `systemAuthorities`: the same in every call. */
  client(settings: ClientTlsSettings, systemAuthorities: Uint8Array | undefined): Findings {
    return this.#once(settings, () => {
      const trust = settings.usesSystemAuthorities ? this.#openSystem(systemAuthorities) : undefined
      return checkClientTls(clientTlsOptions(settings), trust)
    })
  }

  end(): void {
    if (this.#system !== undefined) freeTrustStore(this.#system)
    this.#system = undefined
  }

  #once(settings: object, ask: () => Findings): Findings {
    const findings = this.#known.get(settings) ?? ask()
    this.#known.set(settings, findings)
    return findings
  }

  /** Ignores problems of single CAs of the system: the user cannot fix them in the configuration. */
  #openSystem(authorities: Uint8Array | undefined): TrustStore | undefined {
    if (authorities !== undefined) this.#system ??= openTrustStore(authorities, undefined, new TlsProblems())
    return this.#system
  }
}
