/** Certificates created while a test runs: DER is encoded here, Node signs it. */
import { Buffer } from 'node:buffer'
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { hostBytes } from '../../src/base/address.js'

/** `weak`: a key that must be rejected. */
export type KeyKind = 'ec' | 'rsa' | 'ed25519' | 'weak'

interface Wishes {
  /** Common name of the subject. */
  readonly name: string
  /** The complete subject in DER, instead of `name`. */
  readonly subject?: Buffer
  readonly kind?: KeyKind
  /** `www.example.com`, `10.0.0.1`, `joe@example.com`, `spiffe://x`. */
  readonly alternativeNames?: readonly string[]
  readonly issuer?: Identity
  readonly isAuthority?: boolean
  /** URLs of OCSP responders. */
  readonly responders?: readonly string[]
  /** Whether it may sign OCSP responses for its issuer. */
  readonly isOcspSigner?: boolean
  /** Validity in days from now. */
  readonly fromDays?: number
  readonly toDays?: number
}

/** A certificate with its key. */
export interface Identity {
  readonly name: string
  readonly key: KeyObject
  readonly certificate: Buffer
  readonly serial: Buffer
  /** PEM of the certificate. */
  readonly pem: Buffer
  /** PEM of the key, PKCS#8, not encrypted. */
  readonly keyPem: Buffer
}

const DAY_MS = 86_400_000

/** `OBJECT IDENTIFIER serverAuth` (RFC 5280, 4.2.1.12). */
const SERVER_AUTH = Buffer.from('06082b06010505070301', 'hex')

/** A certificate with trust settings (X509_CERT_AUX), as `openssl x509 -trustout` writes it. */
export function trustedPem({ certificate }: Identity, verdict: 'trust' | 'reject'): Buffer {
  const list = Buffer.concat([Buffer.of(verdict === 'trust' ? 0x30 : 0xa0, SERVER_AUTH.length), SERVER_AUTH])
  const auxiliary = Buffer.concat([Buffer.of(0x30, list.length), list])
  const text =
    Buffer.concat([certificate, auxiliary])
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  const label = 'TRUSTED CERTIFICATE-----'
  return Buffer.from([`-----BEGIN ${label}`, ...text, `-----END ${label}`, ''].join('\n'))
}

const KEYS: Readonly<Record<KeyKind, () => { privateKey: KeyObject; publicKey: KeyObject }>> = {
  ec: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  weak: () => generateKeyPairSync('rsa', { modulusLength: 512 }),
  ed25519: () => generateKeyPairSync('ed25519'),
}

export function makeIdentity(wishes: Wishes): Identity {
  const { privateKey, publicKey } = KEYS[wishes.kind ?? 'ec']()
  const serial = Buffer.from([0x40, ...randomBytes(8)])
  const { name, issuer, fromDays = -1, toDays = 30, isAuthority = false } = wishes
  const signer = issuer?.key ?? privateKey
  const { alternativeNames: alternatives = [], responders = [] } = wishes
  const body = sequence(
    tagged(0xa0, integer(Buffer.of(2))),
    integer(serial),
    algorithm(signer),
    distinguishedName(issuer?.name ?? name),
    sequence(time(fromDays), time(toDays)),
    wishes.subject ?? distinguishedName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(
      0xa3,
      sequence(
        extension('551d13', true, isAuthority ? sequence(tagged(1, Buffer.of(0xff))) : sequence()),
        ...(isAuthority ? [] : [extension('551d25', false, sequence(...purposes(wishes)))]),
        ...(alternatives.length === 0
          ? []
          : [extension('551d11', false, sequence(...alternatives.map(generalName)))]),
        ...(responders.length === 0
          ? []
          : [extension('2b06010505070101', false, sequence(...responders.map(accessMethod)))]),
      ),
    ),
  )
  const certificate = signed(body, signer)
  return {
    name,
    key: privateKey,
    certificate,
    serial,
    pem: pem('CERTIFICATE', certificate),
    keyPem: Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  }
}

/** The revocation list of an authority, as PEM. */
export function makeRevocations(authority: Identity, revoked: readonly Identity[], toDays = 30): Buffer {
  const entries = revoked.map(({ serial }) => sequence(integer(serial), time(-1)))
  const body = sequence(
    integer(Buffer.of(1)),
    algorithm(authority.key),
    distinguishedName(authority.name),
    time(-2),
    time(toDays),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
  )
  return pem('X509 CRL', signed(body, authority.key))
}

/** Extended key usage: for servers and clients, or for OCSP signing. */
function purposes({ isOcspSigner = false }: Wishes): readonly Buffer[] {
  return isOcspSigner ? [oid('2b06010505070309')] : [oid('2b06010505070301'), oid('2b06010505070302')]
}

function accessMethod(url: string): Buffer {
  return sequence(oid('2b06010505073001'), generalName(url))
}

export function signed(body: Buffer, signer: KeyObject, ...more: readonly Buffer[]): Buffer {
  const digest = signer.asymmetricKeyType === 'ed25519' ? null : 'sha256'
  const signature = sign(digest, body, signer)
  return sequence(body, algorithm(signer), tagged(3, Buffer.concat([Buffer.of(0), signature])), ...more)
}

function algorithm(signer: KeyObject): Buffer {
  if (signer.asymmetricKeyType === 'rsa')
    return sequence(oid('2a864886f70d01010b'), tagged(5, Buffer.alloc(0)))
  return sequence(oid(signer.asymmetricKeyType === 'ec' ? '2a8648ce3d040302' : '2b6570'))
}

export function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid('550403'), tagged(0x0c, Buffer.from(commonName)))))
}

function extension(id: string, isCritical: boolean, content: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [tagged(1, Buffer.of(0xff))] : []), tagged(4, content))
}

function generalName(name: string): Buffer {
  if (/^[\d.]+$|::/.test(name)) return tagged(0x87, Buffer.from(hostBytes(name)))
  if (name.includes('@')) return tagged(0x81, Buffer.from(name))
  return name.includes('://') ? tagged(0x86, Buffer.from(name)) : tagged(0x82, Buffer.from(name, 'latin1'))
}

function time(days: number): Buffer {
  const text = new Date(Date.now() + days * DAY_MS).toISOString().replace(/\.\d+|[-:T]/g, '')
  return tagged(0x17, Buffer.from(text.slice(2)))
}

export function oid(hex: string): Buffer {
  return tagged(6, Buffer.from(hex, 'hex'))
}

export function integer(bytes: Buffer): Buffer {
  return tagged(2, bytes)
}

export function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

export function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}

function pem(label: string, der: Buffer): Buffer {
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return Buffer.from(`-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`)
}
