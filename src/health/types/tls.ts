/** The health check `tls`: a TLS handshake, with a warning before the certificate expires. */
import type { TLSSocket } from 'node:tls'
import { certificateName } from '../certificate-text.js'
import type { CheckOf, ProbeFinding } from '../probe-checks.js'
import type { ProbeSession } from '../probe-session.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

export async function probeTlsHandshake(session: ProbeSession, check: CheckOf<'tls'>): Promise<ProbeFinding> {
  const { socket } = await session.connect()
  const secure = socket as TLSSocket
  const version = secure.getProtocol() ?? ''
  const certificate = secure.getPeerCertificate()
  // As in `openTls`.
  await new Promise<void>((resolve) => secure.end(() => resolve()))
  const expiresAt = Date.parse(certificate?.valid_to ?? '')
  const leftMs = expiresAt - Date.now()
  // Not a number without a certificate, with a pre-shared key.
  if (!(leftMs < check.expiresWithinMs)) return { text: version }
  const day = new Date(expiresAt).toISOString().slice(0, 10)
  const warning = `its certificate ${expiry(leftMs)} (${certificateName(certificate)}, ${day})`
  return { text: version, warning }
}

function expiry(leftMs: number): string {
  // Possible where the certificate is not verified.
  if (leftMs <= 0) return 'has expired'
  const [left, unit] = leftMs < 2 * DAY_MS ? [leftMs / HOUR_MS, 'hour'] : [leftMs / DAY_MS, 'day']
  const count = Math.floor(left)
  return `expires in ${count} ${unit}${count === 1 ? '' : 's'}`
}
