/** OpenSSL functions on certificates, keys, revocation lists and trust stores (crypto(7)). */
import { nativeFunction, type Pointer } from './ffi.js'
import { copyOut, withNativeBytes } from './openssl-memory.js'

/** Functions that return a pointer return 0 if there is none. */
export interface X509Calls {
  /** BIO_new_mem_buf(3): reads the bytes in place, without a copy; they must outlive the BIO. */
  memoryReader(bytes: Pointer, byteLength: number): number
  /** BIO_s_mem(3): static, never freed. */
  memoryMethod(): number
  openBio(method: Pointer): number
  freeBio(bio: Pointer): void
  readBio(bio: Pointer, into: Uint8Array, bytesMax: number): number
  pendingBio(bio: Pointer): number
  /**
   * `passphrase` is NUL-terminated and never 0: OpenSSL would prompt on the terminal. Of all readers: `into`
   * is 0 for a new object, which the caller frees.
   */
  pemCertificate(bio: Pointer, into: number, callback: number, passphrase: Pointer): number
  pemKey(bio: Pointer, into: number, callback: number, passphrase: Pointer): number
  pemCrl(bio: Pointer, into: number, callback: number, passphrase: Pointer): number
  derCertificate(bio: Pointer, into: number): number
  derKey(bio: Pointer, into: number): number
  /** PKCS #8, EncryptedPrivateKeyInfo (RFC 5958, 3). */
  derEncryptedKey(bio: Pointer, into: number, callback: number, passphrase: Pointer): number
  derCrl(bio: Pointer, into: number): number
  freeCertificate(certificate: Pointer): void
  freeKey(key: Pointer): void
  freeCrl(crl: Pointer): void
  openStore(): number
  freeStore(store: Pointer): void
  /** The store takes its own references. */
  addCertificate(store: Pointer, certificate: Pointer): number
  addCrl(store: Pointer, crl: Pointer): number
  setStoreFlags(store: Pointer, flags: number): number
  /** 1 if the public key of the certificate belongs to the key. */
  keyMatches(certificate: Pointer, key: Pointer): number
  // Names, times and numbers of a certificate are borrowed: valid as long as the certificate.
  subjectOf(certificate: Pointer): number
  issuerOf(certificate: Pointer): number
  serialOf(certificate: Pointer): number
  /** The identifier of the issuer's key, an ASN1_STRING. */
  issuerKeyIdOf(certificate: Pointer): number
  printName(bio: Pointer, name: Pointer, indent: number, flags: number): number
  oneLine(name: Pointer, into: Uint8Array, bytesMax: number): number
  /** The index of the next entry of type `nid` after index `after` (-1: from the start); negative: none. */
  findInName(name: Pointer, nid: number, after: number): number
  nameEntry(name: Pointer, index: number): number
  /** The ASN1_STRING of an entry. */
  textOfEntry(entry: Pointer): number
  /** Negative if the string is malformed. */
  printText(bio: Pointer, text: Pointer, flags: number): number
  printSerial(bio: Pointer, serial: Pointer): number
  writeCertificate(bio: Pointer, certificate: Pointer): number
  /** A copy that the caller frees. */
  duplicateName(name: Pointer): number
  notBefore(certificate: Pointer): number
  notAfter(certificate: Pointer): number
  nextUpdate(crl: Pointer): number
  /** Negative: in the past; positive: in the future; 0: malformed. */
  compareToNow(time: Pointer): number
  printTime(bio: Pointer, time: Pointer): number
  /** X509_get_ext_d2i(3): a decoded copy that the caller frees; 0: missing, or more than once. */
  extension(certificate: Pointer, nid: number, critical: number, index: number): number
  freeGeneralNames(names: Pointer): void
  newStack(): number
  push(stack: Pointer, element: Pointer): number
  /** 0: the stack is empty. */
  pop(stack: Pointer): number
  /** Does not free the elements. */
  freeStack(stack: Pointer): void
  freeName(name: Pointer): void
  count(stack: Pointer): number
  /** Borrowed from the stack. */
  element(stack: Pointer, index: number): number
  /** Borrowed from the name; stores its type in `type[0]`. */
  generalName(name: Pointer, type: Int32Array): number
  /** Borrowed; without a NUL at its end. */
  dataOf(text: Pointer): number
  lengthOf(text: Pointer): number
}

/** Per thread. */
let made: X509Calls | undefined

/** Must be called on the thread that uses the functions. */
export function x509Calls(): X509Calls {
  made ??= { ...readingCalls(), ...storeCalls(), ...nameCalls(), ...timeCalls(), ...stackCalls() }
  return made
}

function readingCalls() {
  type X = X509Calls
  return {
    memoryReader: nativeFunction<X['memoryReader']>('uintptr_t BIO_new_mem_buf(uintptr_t bytes, int count)'),
    memoryMethod: nativeFunction<X['memoryMethod']>('uintptr_t BIO_s_mem()'),
    openBio: nativeFunction<X['openBio']>('uintptr_t BIO_new(uintptr_t method)'),
    freeBio: nativeFunction<X['freeBio']>('int BIO_free(uintptr_t bio)'),
    readBio: nativeFunction<X['readBio']>('int BIO_read(uintptr_t bio, _Out_ uint8_t *into, int count)'),
    pendingBio: nativeFunction<X['pendingBio']>('size_t BIO_ctrl_pending(uintptr_t bio)'),
    pemCertificate: nativeFunction<X['pemCertificate']>(
      'uintptr_t PEM_read_bio_X509_AUX(uintptr_t bio, uintptr_t into, uintptr_t callback, uintptr_t passphrase)',
    ),
    pemKey: nativeFunction<X['pemKey']>(
      'uintptr_t PEM_read_bio_PrivateKey(uintptr_t bio, uintptr_t into, uintptr_t callback, uintptr_t passphrase)',
    ),
    pemCrl: nativeFunction<X['pemCrl']>(
      'uintptr_t PEM_read_bio_X509_CRL(uintptr_t bio, uintptr_t into, uintptr_t callback, uintptr_t passphrase)',
    ),
    derCertificate: nativeFunction<X['derCertificate']>(
      'uintptr_t d2i_X509_bio(uintptr_t bio, uintptr_t into)',
    ),
    derKey: nativeFunction<X['derKey']>('uintptr_t d2i_PrivateKey_bio(uintptr_t bio, uintptr_t into)'),
    derEncryptedKey: nativeFunction<X['derEncryptedKey']>(
      'uintptr_t d2i_PKCS8PrivateKey_bio(uintptr_t bio, uintptr_t into, uintptr_t callback, uintptr_t passphrase)',
    ),
    derCrl: nativeFunction<X['derCrl']>('uintptr_t d2i_X509_CRL_bio(uintptr_t bio, uintptr_t into)'),
  }
}

function storeCalls() {
  type X = X509Calls
  return {
    freeCertificate: nativeFunction<X['freeCertificate']>('void X509_free(uintptr_t certificate)'),
    freeKey: nativeFunction<X['freeKey']>('void EVP_PKEY_free(uintptr_t key)'),
    freeCrl: nativeFunction<X['freeCrl']>('void X509_CRL_free(uintptr_t crl)'),
    openStore: nativeFunction<X['openStore']>('uintptr_t X509_STORE_new()'),
    freeStore: nativeFunction<X['freeStore']>('void X509_STORE_free(uintptr_t store)'),
    addCertificate: nativeFunction<X['addCertificate']>(
      'int X509_STORE_add_cert(uintptr_t store, uintptr_t certificate)',
    ),
    addCrl: nativeFunction<X['addCrl']>('int X509_STORE_add_crl(uintptr_t store, uintptr_t crl)'),
    setStoreFlags: nativeFunction<X['setStoreFlags']>(
      'int X509_STORE_set_flags(uintptr_t store, uintptr_t flags)',
    ),
    keyMatches: nativeFunction<X['keyMatches']>(
      'int X509_check_private_key(uintptr_t certificate, uintptr_t key)',
    ),
  }
}

function nameCalls() {
  type X = X509Calls
  return {
    subjectOf: nativeFunction<X['subjectOf']>('uintptr_t X509_get_subject_name(uintptr_t certificate)'),
    issuerOf: nativeFunction<X['issuerOf']>('uintptr_t X509_get_issuer_name(uintptr_t certificate)'),
    serialOf: nativeFunction<X['serialOf']>('uintptr_t X509_get0_serialNumber(uintptr_t certificate)'),
    issuerKeyIdOf: nativeFunction<X['issuerKeyIdOf']>(
      'uintptr_t X509_get0_authority_key_id(uintptr_t certificate)',
    ),
    printName: nativeFunction<X['printName']>(
      'int X509_NAME_print_ex(uintptr_t bio, uintptr_t name, int indent, uintptr_t flags)',
    ),
    oneLine: nativeFunction<X['oneLine']>(
      'uintptr_t X509_NAME_oneline(uintptr_t name, _Out_ uint8_t *into, int count)',
    ),
    findInName: nativeFunction<X['findInName']>(
      'int X509_NAME_get_index_by_NID(uintptr_t name, int nid, int after)',
    ),
    nameEntry: nativeFunction<X['nameEntry']>('uintptr_t X509_NAME_get_entry(uintptr_t name, int index)'),
    textOfEntry: nativeFunction<X['textOfEntry']>('uintptr_t X509_NAME_ENTRY_get_data(uintptr_t entry)'),
    printText: nativeFunction<X['printText']>(
      'int ASN1_STRING_print_ex(uintptr_t bio, uintptr_t text, unsigned long flags)',
    ),
    printSerial: nativeFunction<X['printSerial']>('int i2a_ASN1_INTEGER(uintptr_t bio, uintptr_t serial)'),
    writeCertificate: nativeFunction<X['writeCertificate']>(
      'int i2d_X509_bio(uintptr_t bio, uintptr_t certificate)',
    ),
    duplicateName: nativeFunction<X['duplicateName']>('uintptr_t X509_NAME_dup(uintptr_t name)'),
  }
}

function timeCalls() {
  type X = X509Calls
  return {
    notBefore: nativeFunction<X['notBefore']>('uintptr_t X509_get0_notBefore(uintptr_t certificate)'),
    notAfter: nativeFunction<X['notAfter']>('uintptr_t X509_get0_notAfter(uintptr_t certificate)'),
    nextUpdate: nativeFunction<X['nextUpdate']>('uintptr_t X509_CRL_get0_nextUpdate(uintptr_t crl)'),
    compareToNow: nativeFunction<X['compareToNow']>('int X509_cmp_current_time(uintptr_t time)'),
    printTime: nativeFunction<X['printTime']>('int ASN1_TIME_print(uintptr_t bio, uintptr_t time)'),
  }
}

function stackCalls() {
  type X = X509Calls
  return {
    extension: nativeFunction<X['extension']>(
      'uintptr_t X509_get_ext_d2i(uintptr_t certificate, int nid, uintptr_t critical, uintptr_t index)',
    ),
    freeGeneralNames: nativeFunction<X['freeGeneralNames']>('void GENERAL_NAMES_free(uintptr_t names)'),
    newStack: nativeFunction<X['newStack']>('uintptr_t OPENSSL_sk_new_null()'),
    push: nativeFunction<X['push']>('int OPENSSL_sk_push(uintptr_t stack, uintptr_t element)'),
    pop: nativeFunction<X['pop']>('uintptr_t OPENSSL_sk_pop(uintptr_t stack)'),
    freeStack: nativeFunction<X['freeStack']>('void OPENSSL_sk_free(uintptr_t stack)'),
    freeName: nativeFunction<X['freeName']>('void X509_NAME_free(uintptr_t name)'),
    count: nativeFunction<X['count']>('int OPENSSL_sk_num(uintptr_t stack)'),
    element: nativeFunction<X['element']>('uintptr_t OPENSSL_sk_value(uintptr_t stack, int index)'),
    generalName: nativeFunction<X['generalName']>(
      'uintptr_t GENERAL_NAME_get0_value(uintptr_t name, _Out_ int *type)',
    ),
    dataOf: nativeFunction<X['dataOf']>('uintptr_t ASN1_STRING_get0_data(uintptr_t text)'),
    lengthOf: nativeFunction<X['lengthOf']>('int ASN1_STRING_length(uintptr_t text)'),
  }
}

/** Calls `read` with a BIO that reads the bytes, and overwrites the native copy afterwards. */
export function readingBytes(bytes: Uint8Array, read: (bio: number) => number): number {
  const x509 = x509Calls()
  return withNativeBytes(bytes, (address) => {
    const bio = x509.memoryReader(address, bytes.length)
    try {
      return read(bio)
    } finally {
      x509.freeBio(bio)
    }
  })
}

/** The bytes that `write` writes into a BIO. */
export function writtenBytes(write: (bio: number) => void): Uint8Array {
  const x509 = x509Calls()
  const bio = x509.openBio(x509.memoryMethod())
  try {
    write(bio)
    const bytes = new Uint8Array(x509.pendingBio(bio))
    if (bytes.length > 0) x509.readBio(bio, bytes, bytes.length)
    return bytes
  } finally {
    x509.freeBio(bio)
  }
}

/** The bytes of an ASN1_STRING. */
export function asn1Bytes(text: number): Uint8Array {
  const x509 = x509Calls()
  return copyOut(x509.dataOf(text), x509.lengthOf(text))
}
